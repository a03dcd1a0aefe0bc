Feature: The health check finds and repairs what webhooks and sends have missed

  Rule: Every mismatched row is moved to its holder

    @HEALTH-01
    Scenario: One check moves every mismatched row
      Given accounts whose sessions and rows are
        | session on | row says |
        | 3002       | 3001     |
        | 3003       | 3003     |
        | 3004       | 3003     |
        | 3001       | 3004     |
      When the health check runs
      Then every row is assigned to the instance that holds its session
      And the check reports 4 checked, 1 verified and 3 updated
      And each move is reported with its old and its new URL

    @HEALTH-01
    Scenario: A row that names no instance is filled
      Given accounts whose sessions and rows are
        | session on | row says |
        | 3002       | none     |
      When the health check runs
      Then every row is assigned to the instance that holds its session
      And the check reports 1 checked and 1 updated

    @HEALTH-01
    Scenario: A row is moved away from an instance that cannot be reached when the session is seen elsewhere
      Given accounts whose sessions and rows are
        | session on | row says |
        | 3003       | 3001     |
      And instance 3001 refuses connections
      When the health check runs
      Then every row is assigned to the instance that holds its session

  Rule: Each correction is logged

    @HEALTH-02
    Scenario: The log has each correction with its account, its old and its new URL
      Given accounts whose sessions and rows are
        | session on | row says |
        | 3002       | 3001     |
        | 3003       | 3003     |
        | 3004       | 3002     |
      When the health check runs
      Then each move, and nothing else, is logged as a correction

  Rule: Each correction is dated

    @HEALTH-13
    Scenario: A health check that corrects the row sets the time
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      When the health check runs
      Then the row is assigned to instance 3002
      And its updated_at is the time of the write, in UTC

  Rule: Correct rows are not written

    @HEALTH-03
    Scenario: Rows that name the holder stay byte for byte the same
      Given accounts whose sessions and rows are
        | session on | row says |
        | 3001       | 3001     |
        | 3002       | 3002     |
        | 3004       | 3004     |
      When the health check runs
      Then no row was written
      And the check reports 3 checked, 3 verified and 0 updated

  Rule: A session that is found nowhere leaves its row alone

    @HEALTH-04
    Scenario: A lost session is counted as failed and its row keeps its URL
      Given accounts whose sessions and rows are
        | session on | row says |
        | none       | 3002     |
        | 3001       | 3001     |
      When the health check runs
      Then no row was written
      And the check reports 1 verified, 1 failed and 0 unreachable

  Rule: The silence of an instance proves nothing

    @HEALTH-05
    Scenario Outline: A row assigned to an instance that cannot be reached keeps its URL and is counted as unreachable
      Given accounts whose sessions and rows are
        | session on | row says |
        | 3001       | 3001     |
        | 3002       | 3002     |
      And instance 3001 <behaviour>
      When the health check runs
      Then no row was written
      And the check reports 1 verified, 0 failed and 1 unreachable

      Examples:
        | behaviour           |
        | refuses connections |
        | never answers       |

    @HEALTH-05
    Scenario: A row whose instance says no keeps its URL while another cannot be reached, and is counted as failed
      Given accounts whose sessions and rows are
        | session on | row says |
        | 3003       | 3002     |
      And instance 3003 refuses connections
      When the health check runs
      Then no row was written
      And the check reports 0 updated, 1 failed and 0 unreachable

    @HEALTH-05
    Scenario Outline: A copy that is not connected does not draw a row whose holder cannot be asked
      Given an account whose session lives on instance 3002
      And its row is assigned to instance <assigned>
      And instance 3004 has a copy of the session that is <status>
      And instance 3002 <behaviour>
      When the health check runs
      Then no row was written
      And the check reports 0 updated

      Examples:
        | assigned | status        | behaviour           |
        | 3002     | disconnected  | refuses connections |
        | 3002     | qr_scanning   | never answers       |
        | 3002     | authenticated | answers 500         |
        | 3001     | disconnected  | refuses connections |
        | 3004     | disconnected  | refuses connections |

  Rule: A dry run reports what would be done, and does nothing

    @HEALTH-06
    Scenario: A dry run reports what a real check then does
      Given accounts whose sessions and rows are
        | session on | row says |
        | 3002       | 3001     |
        | 3003       | 3003     |
        | none       | 3004     |
      And what is counted so far is remembered
      When a dry run of the health check is made
      Then no row was written
      And no sync event was counted
      And a check after it does what it reported, and only that is logged and counted

  Rule: One check repairs everything after a deployment

    @HEALTH-10
    Scenario: Every row is repaired after every instance was restarted and every webhook was lost
      Given accounts whose sessions and rows are
        | session on | row says |
        | 3001       | 3001     |
        | 3001       | 3001     |
        | 3002       | 3002     |
        | 3002       | 3002     |
        | 3003       | 3003     |
        | 3003       | 3003     |
        | 3004       | 3004     |
        | 3004       | 3004     |
      And every instance was restarted, each session came up on the next one, and no webhook arrived
      When the health check runs
      Then every row is assigned to the instance that holds its session
      And the check reports 8 checked and 8 updated

    @HEALTH-10
    Scenario: Every row is repaired after an instance died under the messages that hung there
      Given an account whose session lives on instance 3002
      And eight other accounts whose sessions live on instance 3001
      And instance 3001 takes messages in and never answers
      And instance 3001 has died under a message of each, and its sessions came up on instance 3004
      When the health check runs
      Then every row is assigned to the instance that holds its session
      And the check reports 9 checked, 1 verified and 8 updated
