Feature: What happens is counted as it happens

  Rule: The document's greps count what happened

    @MONITOR-01
    Scenario: The log has one line for each scan sync, verification failure and webhook sync
      Given an account whose session lives on instance 3002
      And 2 sends have found the session on another instance
      And 1 sends have found the session where the row says
      And 2 webhooks have moved the session
      When 1 send finds the session nowhere
      Then the document's greps count 2 scan syncs, 3 verification failures and 2 webhook syncs

    @MONITOR-01
    Scenario: Corrections of the health check are none of what the greps count
      Given an account whose session lives on instance 3002
      And 1 sends have found the session on another instance
      And 1 webhooks have moved the session
      When the health check corrects a row, if the target claims one
      Then the document's greps count 1 scan syncs, 1 verification failures and 1 webhook syncs

    @MONITOR-01
    Scenario Outline: A failure is logged and counted once, whatever kept the instance from confirming
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And the metrics so far are remembered
      And instance 3001 <behaviour> when asked who holds the session
      When the user sends "hello" from the account
      Then the document's greps count 1 scan syncs, 1 verification failures and 0 webhook syncs
      And 1 verification failures more are counted

      Examples:
        | behaviour           |
        | refuses connections |
        | never answers       |
        | answers 500         |
        | answers broken JSON |

    @MONITOR-04
    Scenario Outline: A failure counts as one more in a row though the instance could not be asked
      Given an account whose session lives on instance 3002
      And 1 sends have found the session where the row says
      And its row is assigned to instance 3001
      And instance 3001 <behaviour> when asked who holds the session
      When the user sends "hello" from the account
      Then 1 verification failures in a row are counted, and the alert VerificationFailures is silent

      Examples:
        | behaviour           |
        | refuses connections |
        | answers 500         |

    @MONITOR-01
    Scenario Outline: A row that names no instance is a failure, logged and counted once
      Given an account whose session lives on instance 3002
      And its row names <content>
      And the metrics so far are remembered
      When the user sends "hello" from the account
      Then the document's greps count 1 scan syncs, 1 verification failures and 0 webhook syncs
      And 1 verification failures more are counted

      Examples:
        | content               |
        | nothing               |
        | a text that is no URL |

    @MONITOR-01
    Scenario: A failure is logged and counted where nobody answers at all
      Given an account whose session lives on instance 3002
      And the metrics so far are remembered
      And instance 3001 refuses connections
      And instance 3002 refuses connections
      And instance 3003 refuses connections
      And instance 3004 refuses connections
      When the user sends "hello" from the account
      Then the document's greps count 0 scan syncs, 1 verification failures and 0 webhook syncs
      And 1 verification failures more are counted

    @MONITOR-01
    Scenario: Each of the sends that share a look logs and counts its own failure
      Given an account whose session lives on no instance and whose row is assigned to instance 3001
      And the metrics so far are remembered
      And every instance answers 0.3 seconds late when asked who holds the session
      When six users send a message each from the account at the same time
      Then the document's greps count 0 scan syncs, 6 verification failures and 0 webhook syncs
      And 6 verification failures more are counted

  Rule: Sync events are counted by source

    @MONITOR-02
    Scenario: Sends and webhooks that move a row are counted apart
      Given an account whose session lives on instance 3003
      And the counts so far are remembered
      And 2 sends have found the session on another instance
      And 3 webhooks have moved the session
      When a webhook confirms what the row says
      Then since then 2 sync events of sends and 3 of webhooks are counted

    @MONITOR-02
    Scenario: Corrections of the health check are counted apart
      Given an account whose session lives on instance 3003
      And the counts so far are remembered
      When the health check corrects a row, if the target claims one
      Then each correction is counted as a sync event of the health check

    @MONITOR-02
    Scenario Outline: Filling a row that named no instance is a move, logged and counted
      Given an account whose session lives on instance 3003
      And its row is assigned to no instance
      And the counts so far are remembered
      When <event>
      Then since then <sends> sync events of sends and <webhooks> of webhooks are counted
      And the log has the move from no instance to instance 3003

      Examples:
        | event                                | sends | webhooks |
        | 1 send finds the session             | 1     | 0        |
        | a webhook confirms what the row says | 0     | 1        |

    @MONITOR-02
    Scenario: A row that the health check fills is counted as its correction
      Given an account whose session lives on instance 3003
      And the counts so far are remembered
      When the health check fills a row that names no instance, if the target claims one
      Then each correction is counted as a sync event of the health check

  Rule: The success rate is successes over attempts

    @MONITOR-06
    Scenario: The rate is 100 percent before the first attempt
      Given an implementation that was just started
      And an account whose session lives on instance 3001
      When 1 send finds the session where the row says
      Then 0 of 0 sync attempts succeeded

    @MONITOR-06
    Scenario: Scans that find the holder and scans that do not make the rate
      Given an implementation that was just started
      And an account whose session lives on instance 3001
      And 3 sends have found the session on another instance
      When 1 send finds the session nowhere
      Then 3 of 4 sync attempts succeeded

    @MONITOR-06
    Scenario: Moves that no send asked for are no attempts
      Given an implementation that was just started
      And an account whose session lives on instance 3001
      And 2 webhooks have moved the session
      And the health check has corrected a row, if the target claims one
      And 1 sends have found the session on another instance
      When 1 send finds the session nowhere
      Then 1 of 2 sync attempts succeeded

  Rule: The metrics for Prometheus say the same

    @MONITOR-08
    Scenario: The metrics agree with the report
      Given an account whose session lives on instance 3002
      And the metrics so far are remembered
      And 2 sends have found the session on another instance
      And 1 webhooks have moved the session
      When 2 sends find the session nowhere
      Then the metrics agree with the report, and count 4 verification failures more

  Rule: A restart keeps the counts or shows in the report

    @MONITOR-09
    Scenario: After a restart the counts are still there, or the report says when counting began
      Given an account whose session lives on instance 3002
      And 2 sends have found the session on another instance
      And the counts so far are remembered
      When the implementation is stopped and started again
      Then either the counts are still there, or counting began with the restart

  Rule: Whoever answers reports the same

    @MONITOR-10
    Scenario: What several connections brought about is in every report
      Given an account whose session lives on instance 3002
      And the counts so far are remembered
      And 6 sends have found the session on another instance
      And 2 webhooks have moved the session
      When 3 sends find the session nowhere
      Then twenty reports and twenty answers with metrics, each on a new connection, say the same
      And since then 6 sync events of sends and 2 of webhooks are counted

    @MONITOR-10
    Scenario: Failures in a row are in every report, and one confirmation ends them in every report
      Given an account whose session lives on instance 3002
      And 12 sends have found the session nowhere
      When 1 send finds the session where the row says
      Then twenty reports and twenty answers with metrics, each on a new connection, say the same
      And 0 verification failures in a row are counted, and the alert VerificationFailures is silent

    @MONITOR-10
    Scenario: An alert is raised in every report
      Given an account whose session lives on instance 3002
      And 1 sends have found the session where the row says
      When 11 sends find the session nowhere
      Then twenty reports and twenty answers with metrics, each on a new connection, say the same
      And 11 verification failures in a row are counted, and the alert VerificationFailures is raised
