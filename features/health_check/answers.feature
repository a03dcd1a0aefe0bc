Feature: The health check reads answers as carefully as a send

  Rule: Only the exact session counts

    @HEALTH-11
    Scenario Outline: A session whose id is only alike neither keeps nor attracts a row
      Given an account whose session lives on instance 3002
      And another account whose session lives on instance 3003
      And its row is assigned to instance 3001
      And instance 3001 holds a session whose id <likeness> the account's
      And instance 3004 holds sessions of other tenants
      When the health check runs
      Then every row is assigned to the instance that holds its session
      And the check reports 2 checked, 1 verified and 1 updated

      Examples:
        | likeness             |
        | contains             |
        | begins like          |
        | ends like            |
        | is the beginning of  |
        | is the end of        |
        | differs in case from |

    @HEALTH-11
    Scenario Outline: A session that is found nowhere is not taken for one that is alike
      Given an account whose session lives on no instance and whose row is assigned to instance 3003
      And instance 3001 holds a session whose id <likeness> the account's
      When the health check runs
      Then no row was written
      And the check reports 1 failed and 0 updated

      Examples:
        | likeness             |
        | contains             |
        | begins like          |
        | differs in case from |

  Rule: An answer that cannot be used says nothing

    @HEALTH-11
    Scenario Outline: An assigned instance that answers badly does not keep a row that lives elsewhere
      Given an account whose session lives on instance 3002
      And another account whose session lives on instance 3003
      And the other account's row is assigned to instance 3004
      And its row is assigned to instance 3001
      And instance 3001 <behaviour> when asked who holds the session
      When the health check runs
      Then every row is assigned to the instance that holds its session

      Examples:
        | behaviour                     |
        | answers 500                   |
        | answers an empty body         |
        | answers broken JSON           |
        | answers a list                |
        | answers null                  |
        | answers a number              |
        | answers HTML                  |
        | answers without sessions      |
        | answers without details       |
        | falls silent in mid-answer    |
        | drips its answer byte by byte |

    @HEALTH-11
    Scenario Outline: A third instance that answers badly stops no repair
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And instance <third> <behaviour> when asked who holds the session, if it is asked
      When the health check runs
      Then every row is assigned to the instance that holds its session

      Examples:
        | third | behaviour                |
        | 3003  | refuses connections      |
        | 3004  | answers 500              |
        | 3003  | answers broken JSON      |
        | 3004  | answers null             |
        | 3003  | answers without sessions |
        | 3004  | answers without details  |
        | 3003  | never answers            |

    @HEALTH-11
    Scenario Outline: A holder that answers badly keeps its row
      Given an account whose session lives on instance 3002
      And another account whose session lives on instance 3003
      And instance 3002 <behaviour> when asked who holds the session
      When the health check runs
      Then no row was written
      And the check reports 2 checked, 1 verified and 0 updated

      Examples:
        | behaviour                |
        | answers 500              |
        | answers an empty body    |
        | answers broken JSON      |
        | answers a list           |
        | answers without sessions |

  Rule: A copy that is not connected does not hold the session

    @HEALTH-11
    Scenario Outline: A copy in another state neither keeps nor attracts the row
      Given an account whose session lives on instance <holder>
      And its row is assigned to instance 3002
      And instance <stale> has a copy of the session that is <status>
      When the health check runs
      Then every row is assigned to the instance that holds the session connected

      Examples:
        | stale | status        | holder |
        | 3002  | disconnected  | 3003   |
        | 3002  | qr_scanning   | 3001   |
        | 3002  | authenticated | 3004   |
        | 3002  | failed        | 3003   |
        | 3001  | disconnected  | 3004   |
        | 3001  | qr_scanning   | 3003   |

    @HEALTH-11
    Scenario Outline: A row is not moved to a copy that is not connected
      Given an account whose session lives on no instance and whose row is assigned to instance 3004
      And instance <number> has a copy of the session that is <status>
      When the health check runs
      Then no row was written
      And the check reports 1 checked and 0 updated

      Examples: where the row says, and elsewhere
        | number | status        |
        | 3001   | disconnected  |
        | 3003   | qr_scanning   |
        | 3001   | authenticated |
        | 3002   | failed        |

  Rule: Statistics in the place of the list are no empty list

    @HEALTH-11
    Scenario: Rows are confirmed and repaired though instances answer with statistics
      Given an account whose session lives on instance 3002
      And another account whose session lives on instance 3004
      And its row is assigned to instance 3001
      And every instance holds sessions of other tenants and answers in the deployed dialect
      When the health check runs
      Then every row is assigned to the instance that holds its session
      And the check reports 2 checked, 1 verified and 1 updated

  Rule: A long list is read to its end

    @HEALTH-01
    Scenario: A row is moved to an instance that holds many sessions
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And instance 3002 holds 2,000 sessions, the account's among them
      When the health check runs
      Then every row is assigned to the instance that holds its session

    @HEALTH-01
    Scenario: A row is moved to an instance that holds many sessions and answers with statistics
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And every instance holds sessions of other tenants and answers in the deployed dialect
      And instance 3002 holds 2,000 sessions, the account's among them
      When the health check runs
      Then every row is assigned to the instance that holds its session

  Rule: Of two holders the assigned one is kept

    @HEALTH-11
    Scenario Outline: A second copy elsewhere does not attract the row in a check
      Given an account whose session lives on instance <assigned>
      And instance <other> lists the session too
      When the health check runs
      Then no row was written
      And the check reports 1 verified and 0 updated

      Examples:
        | assigned | other |
        | 3003     | 3001  |
        | 3001     | 3004  |

    @HEALTH-11
    Scenario: A second copy that answers faster does not attract the row in a check
      Given an account whose session lives on instance 3002
      And instance 3001 lists the session too
      And instance 3002 answers 0.3 seconds late when asked who holds the session
      When the health check runs
      Then no row was written

    @HEALTH-11
    Scenario: An instance that comes back with a copy of every session draws no row
      Given accounts whose sessions and rows are
        | session on | row says |
        | 3002       | 3002     |
        | 3003       | 3003     |
        | 3004       | 3004     |
      And instance 3001 was restarted and restored every session, wherever it lives
      When the health check runs
      Then no row was written
      And the check reports 3 verified and 0 updated

  Rule: Only configured instances are asked, and nobody to whom they redirect

    @HEALTH-11
    Scenario Outline: A row that names no configured instance is repaired, and nobody outside is called
      Given an account whose session lives on instance 3002
      And its row names <content>
      When the health check runs
      Then nobody outside the configured instances is called
      And every row is assigned to the instance that holds its session

      Examples:
        | content                      |
        | nothing                      |
        | an empty text                |
        | a text that is no URL        |
        | a host outside the instances |

    @HEALTH-11
    Scenario: A stranger that a row names is not called, even if the session is found nowhere
      Given an account whose session lives on no instance and whose row is assigned to instance 3001
      And its row names a host outside the instances
      When the health check runs
      Then nothing at all reached the stranger
      And no row was written

    @HEALTH-11
    Scenario Outline: An instance that redirects the check elsewhere is not followed there
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And instance 3001 redirects every question to a stranger with status <status>
      When the health check runs
      Then nothing at all reached the stranger
      And every row is assigned to the instance that holds its session

      Examples:
        | status |
        | 301    |
        | 302    |
        | 307    |
