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
