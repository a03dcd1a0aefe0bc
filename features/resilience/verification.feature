Feature: A verification is neither waited for without end nor misread

  Rule: The verify timeout covers the whole answer

    @VERIFY-08
    Scenario Outline: An answer that comes too slowly is given up after the verify timeout
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And instance 3001 <behaviour> when asked who holds the session
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the row is assigned to instance 3002
      And instance 3001 was given up after the verify timeout
      And the send took no longer than one verify timeout and one scan

      Examples:
        | behaviour                     |
        | drips its answer byte by byte |
        | falls silent in mid-answer    |

  Rule: A copy that is not connected does not hold the session

    @VERIFY-09
    Scenario Outline: A copy in another state is passed over for the connected one
      Given an account whose session lives on instance <holder>
      And its row is assigned to instance <assigned>
      And instance <stale> has a copy of the session that is <status>
      When the user sends "hello" from the account
      Then instance <holder> delivers "hello" once
      And the row is assigned to instance <holder>
      And no message is posted to instance <stale>

      Examples:
        | assigned | stale | status        | holder |
        | 3001     | 3001  | disconnected  | 3002   |
        | 3001     | 3001  | qr_scanning   | 3003   |
        | 3004     | 3004  | authenticated | 3001   |
        | 3002     | 3002  | failed        | 3001   |
        | 3003     | 3001  | disconnected  | 3004   |

    @VERIFY-09
    Scenario Outline: A copy whose login only begins does not draw the row
      Given an account whose session lives on no instance and whose row is assigned to instance 3001
      And instance 3003 has a copy of the session that is <status>
      When the user sends "hello" from the account
      Then the user is told that it was not sent
      And the row was not written

      Examples:
        | status        |
        | qr_scanning   |
        | authenticated |

  Rule: Statistics in the place of the list are no empty list

    @VERIFY-10
    Scenario: A correct row is used though instances answer with statistics
      Given an account whose session lives on instance 3002
      And every instance holds sessions of other tenants and answers in the deployed dialect
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the user is told that it was sent
      And the row was not written

    @VERIFY-10
    Scenario: A mismatched row is repaired though instances answer with statistics
      Given an account whose session lives on instance 3003
      And its row is assigned to instance 3001
      And every instance holds sessions of other tenants and answers in the deployed dialect
      When the user sends "hello" from the account
      Then instance 3003 delivers "hello" once
      And the row is assigned to instance 3003
      And no message is posted to instance 3001

    @VERIFY-10
    Scenario Outline: A session with an unusual id is found though instances answer with statistics
      Given an account on instance 3002 whose session id has <characters>
      And its row is assigned to instance 3001
      And every instance holds sessions of other tenants and answers in the deployed dialect
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the row is assigned to instance 3002

      Examples:
        | characters      |
        | a blank         |
        | a number sign   |
        | a question mark |
        | a slash         |
        | a percent sign  |
        | a plus sign     |
        | accents         |

  Rule: Only configured instances are asked

    @VERIFY-11
    Scenario Outline: A row that names no configured instance leads to a scan
      Given an account whose session lives on instance 3002
      And its row names <content>
      When the user sends "hello" from the account
      Then nobody outside the configured instances is called
      And instance 3002 delivers "hello" once
      And the row is assigned to instance 3002

      Examples:
        | content                      |
        | nothing                      |
        | an empty text                |
        | a text that is no URL        |
        | a host outside the instances |

  Rule: Many sessions are verified as correctly as one

    @VERIFY-12
    Scenario: Ten thousand sessions hide neither a session nor its absence
      Given the implementation was launched without a verify timeout
      And an account whose session lives on instance 3001
      And another account whose session lives on instance 3002
      And the other account's row is assigned to instance 3001
      And instance 3001 holds 10,000 sessions, the account's among them
      When the users of both accounts send "hello" at the same time
      Then instance 3001 delivers "hello" once
      And the row was not written
      And instance 3002 delivers "hello" of the other account once
