Feature: A move from nowhere is a move

  Rule: Filling a row is counted

    @MONITOR-02
    Scenario: A webhook that fills a row is counted
      Given an account whose session lives on instance 3003
      And its row is assigned to no instance
      And the counts so far are remembered
      When instance 3003 announces session_ready
      Then since then 0 sync events of sends and 1 of webhooks are counted
