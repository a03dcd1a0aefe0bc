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

  Rule: Only the exact session counts

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
      And instance 3001 answers 2.2 seconds late when asked who holds the session
      And instance 3003 never answers when asked who holds the session
      When the users of both accounts send "hello" at the same time
      Then instance 3001 delivers "hello" once
      And instance 3003 was given up after the verify timeout
      And instance 3002 delivers "hello" of the other account once

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
