Feature: The health check runs by itself, gently, and never against newer knowledge

  Rule: It runs at the interval

    @HEALTH-07
    Scenario: A mismatched row is repaired although nobody does anything
      Given the implementation checks every account by itself at a short interval
      And an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      When nobody does anything for an interval
      Then the row of the account is assigned to instance 3002 within an interval and one check

    @HEALTH-07
    Scenario: What goes wrong after one check is repaired by a later one
      Given the implementation checks every account by itself at a short interval
      And an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      When the session moves to instance 3003 as soon as the row has been repaired
      Then the row of the account is assigned to instance 3003 within an interval and one check
      And the instances were asked no more often than the interval says

  Rule: Its calls grow with the instances, not with the accounts

    @HEALTH-08
    Scenario: Forty accounts cost each instance two calls at most
      Given forty accounts, each assigned to its holder
      When the health check runs
      Then each instance was asked at most twice

  Rule: A webhook that lands during the check has the last word

    @HEALTH-09
    Scenario Outline: A webhook is not overwritten with what the check saw before
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And the session connects on instance <new> too, announced before instance 3002 says that it holds it
      When the health check runs
      Then the announcement of instance <new> is accepted
      And the row is assigned to instance <new>

      Examples: another instance, and the one that the row already names
        | new  |
        | 3004 |
        | 3001 |
