Feature: The health check deals with every row, whatever it says

  Rule: A row that cannot be dealt with stops no other row's repair

    @HEALTH-12
    Scenario Outline: The rows before and after one that names no instance are repaired
      Given accounts whose sessions and rows are
        | session on | row says  |
        | 3002       | 3001      |
        | <session>  | <content> |
        | 3004       | 3003      |
        | 3003       | 3003      |
      When the health check runs
      Then every row is assigned to the instance that holds its session
      And the check reports 4 checked and 1 verified

      Examples: with a session that is held, and with a lost one
        | session | content                  |
        | 3001    | none                     |
        | 3001    | an empty text            |
        | 3001    | a text that is no URL    |
        | 3001    | an instance of last year |
        | none    | none                     |
        | none    | an empty text            |
        | none    | a text that is no URL    |
        | none    | an instance of last year |

    @HEALTH-12
    Scenario Outline: The rows before and after one without a session are repaired
      Given accounts whose sessions and rows are
        | session on | row says |
        | 3002       | 3001     |
        | none       | 3003     |
        | 3004       | 3003     |
      And the row in the middle has <id> as its session id, where the table takes it
      When the health check runs
      Then every row is assigned to the instance that holds its session
      And the row in the middle was not written

      Examples:
        | id            |
        | null          |
        | an empty text |

    @HEALTH-12
    Scenario: A row that somebody writes while the check asks stops no other row's repair
      Given accounts whose sessions and rows are
        | session on | row says |
        | 3002       | 3001     |
        | 3003       | 3001     |
        | 3004       | 3003     |
      And someone assigns the row in the middle to no instance before instance 3001 says what it holds
      When the health check runs
      Then every row but the one in the middle is assigned to the instance that holds its session

  Rule: However many rows there are, each is checked

    @HEALTH-01
    Scenario: A hundred and twenty rows are repaired by one check
      Given a hundred and twenty accounts, each row wrong
      When the health check runs
      Then every row is assigned to the instance that holds its session
      And the check reports 120 checked and 120 updated

  Rule: Whatever its status says, a row is checked

    @HEALTH-01
    Scenario Outline: A row is moved to its holder whatever its status says
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And its row has status "<status>"
      When the health check runs
      Then every row is assigned to the instance that holds its session
      And the check reports 1 checked and 1 updated

      Examples:
        | status        |
        | disconnected  |
        | qr_scanning   |
        | authenticated |
        | failed        |

  Rule: Rows that are right are left as they are, however they are written

    @HEALTH-03
    Scenario: A slash at the end of a row's URL is nothing to correct
      Given accounts whose sessions and rows are
        | session on | row says           |
        | 3001       | 3001 and a slash   |
        | 3003       | 3003 and a slash   |
        | 3004       | 3004               |
      When the health check runs
      Then no row was written
      And the check reports 3 checked, 3 verified and 0 updated

    @HEALTH-05
    Scenario: A slash at the end of a row's URL does not hide that its instance is silent
      Given accounts whose sessions and rows are
        | session on | row says         |
        | 3002       | 3002 and a slash |
      And instance 3002 refuses connections
      When the health check runs
      Then no row was written
      And the check reports 0 failed and 1 unreachable

    @HEALTH-01 @HEALTH-03
    Scenario: Session ids of strange characters are found, confirmed and missed like any other
      Given an account for each kind of strange session id, its row wrong
      And another for each, its row right
      And another for each, its session lost
      When the health check runs
      Then every row is assigned to the instance that holds its session
      And each of them is counted as what it is
