Feature: The assigned instance is asked before every send

  Rule: A message is posted only where the session was verified

    @VERIFY-01
    Scenario Outline: The assigned instance is asked first
      Given an account whose session lives on instance <holder>
      And its row is assigned to instance <assigned>
      When the user sends "hello" from the account
      Then the assigned instance was asked before every post
      And instance <holder> delivers "hello" once

      Examples:
        | holder | assigned |
        | 3003   | 3003     |
        | 3002   | 3001     |
        | 3001   | 3004     |

    @VERIFY-02
    Scenario: A verified session is used as it stands
      Given an account whose session lives on instance 3002
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the user is told that it was sent
      And the row was not written
      And the log says that the session was verified in instance 3002

    @VERIFY-03
    Scenario: A session that moved silently between two sends is found at the second
      Given an account whose session lives on instance 3001
      And the user has sent "first" from the account
      And the session has moved to instance 3004 unannounced
      When the user sends "second" from the account
      Then the assigned instance was asked before every post
      And instance 3001 delivers "first" once
      And instance 3004 delivers "second" once
      And the row is assigned to instance 3004

    @VERIFY-03
    Scenario: A send does not go by an answer to an older question
      Given an account whose session lives on instance 3002
      When two sends overlap, and the session moves to instance 3004 while instance 3002 answers the first
      Then instance 3004 delivers "second" once
      And the message "second" is not posted to instance 3002

    @VERIFY-03
    Scenario: A session that was nowhere is found as soon as it is somewhere
      Given an account whose session lives on no instance and whose row is assigned to instance 3001
      And the user has tried to send "first" from the account
      And the session has connected on instance 3003 unannounced
      When the user sends "second" from the account
      Then instance 3003 delivers "second" once
      And the row is assigned to instance 3003

    @VERIFY-03
    Scenario: A row that was changed by hand between two sends is read anew
      Given an account whose session lives on instance 3002
      And the user has sent "first" from the account
      And someone sets the row to instance 3001 by hand
      When the user sends "second" from the account
      Then instance 3002 delivers "second" once
      And the assigned instance was asked before every post
      And the row is assigned to instance 3002

  Rule: A slash behind a URL makes no other instance of it

    @VERIFY-14
    Scenario: A row whose URL ends in a slash is used as it stands
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3002 with a slash behind
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the user is told that it was sent
      And the row was not written
      And the log says that the session was verified in instance 3002
      And the log has no failed verification of the session

    @VERIFY-14
    Scenario: A row whose URL ends in a slash is repaired like any other
      Given an account whose session lives on instance 3003
      And its row is assigned to instance 3001 with a slash behind
      When the user sends "hello" from the account
      Then instance 3003 delivers "hello" once
      And the row is assigned to instance 3003
      And the log says that a scan moved the URL from instance 3001 to instance 3003

  Rule: Only the exact session counts

    @VERIFY-13
    Scenario Outline: A session id may have any characters
      Given an account on instance 3002 whose session id has <characters>
      And its row is assigned to instance 3001
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the user is told that it was sent
      And the row is assigned to instance 3002

      Examples:
        | characters          |
        | a blank             |
        | a blank at its end  |
        | a number sign       |
        | a question mark     |
        | an ampersand        |
        | a slash             |
        | an encoded slash    |
        | a percent sign      |
        | a plus sign         |
        | a dot               |
        | brackets            |
        | double quotes       |
        | a single quote      |
        | a backslash         |
        | accents             |
        | decomposed accents  |
        | Chinese letters     |
        | an emoji            |
        | digits alone        |
        | zeros before digits |
        | 255 characters      |

    @VERIFY-13
    Scenario Outline: A session id that only a careless comparison takes for this one does not count
      Given an account on instance 3002 whose session id has <characters>
      And its row is assigned to instance 3001
      And instance 3001 holds a session whose id has <others> and is else the same
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the row is assigned to instance 3002
      And no message is posted to instance 3001

      Examples:
        | characters               | others                               |
        | a dot                    | a dash for the dot                   |
        | an underscore            | a letter for the underscore          |
        | a percent sign           | letters for the percent sign         |
        | a plus sign              | a blank for the plus sign            |
        | an encoded slash         | a slash                              |
        | a number sign            | nothing from the number sign on      |
        | a blank at its end       | no blank at its end                  |
        | a blank at its beginning | no blank at its beginning            |
        | accents                  | no accents                           |
        | accents                  | decomposed accents                   |
        | digits alone             | a fraction of zero behind the digits |
        | 255 characters           | another one as its last of 255       |

    @VERIFY-04
    Scenario: Sessions of others in the assigned instance are not mistaken for this one
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And instance 3001 holds sessions of other tenants
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the row is assigned to instance 3002
      And no message is posted to instance 3001

    @VERIFY-04
    Scenario Outline: A session id that is only alike does not count
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And instance 3001 holds a session whose id <likeness> the account's
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the row is assigned to instance 3002
      And no message is posted to instance 3001

      Examples:
        | likeness            |
        | contains            |
        | begins like         |
        | ends like           |
        | is the beginning of |
        | is the end of       |
        | differs in case from |

  Rule: An instance that does not answer usefully is not verified

    @VERIFY-05
    Scenario: An instance that never answers delays a send by one verify timeout
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And instance 3001 never answers when asked who holds the session
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the row is assigned to instance 3002
      And instance 3001 was given up after the verify timeout
      And the send took no longer than one verify timeout and one scan

    @VERIFY-06
    Scenario: Without a setting an instance is given 3 seconds, and no more
      Given the implementation was launched without a verify timeout
      And an account whose session lives on instance 3001
      And another account whose session lives on instance 3002
      And the other account's row is assigned to instance 3003
      And instance 3001 takes most of the verify timeout to answer who holds the session
      And instance 3003 never answers when asked who holds the session
      When the users of both accounts send "hello" at the same time
      Then instance 3001 was waited for
      And instance 3003 was given up after the verify timeout

    @VERIFY-07
    Scenario Outline: An answer that cannot be used leads to a scan
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And instance 3001 <behaviour> when asked who holds the session
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the user is told that it was sent
      And the row is assigned to instance 3002
      And no message is posted to instance 3001

      Examples:
        | behaviour                |
        | refuses connections      |
        | answers 500              |
        | answers an empty body    |
        | answers broken JSON      |
        | answers a list           |
        | answers null             |
        | answers a number         |
        | answers without sessions |
        | answers without details  |
