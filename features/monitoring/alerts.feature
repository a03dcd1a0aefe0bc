Feature: Three alerts, each at its threshold

  Rule: More than five sync events in an hour are a warning

    @MONITOR-03
    Scenario Outline: The warning is silent at five sync events and raised at six
      Given an implementation that was just started
      And an account whose session lives on instance 3002
      And 2 webhooks have moved the session
      When <sends> sends find the session on another instance
      Then <events> sync events are counted, and the alert InstanceSyncEvents is <state>

      Examples:
        | sends | events | state  |
        | 3     | 5      | silent |
        | 4     | 6      | raised |

  Rule: More than ten verification failures in a row are critical

    @MONITOR-04
    Scenario Outline: The critical alert is silent at ten failures in a row and raised at eleven
      Given an account whose session lives on instance 3002
      And 1 sends have found the session where the row says
      When <failures> sends find the session nowhere
      Then <failures> verification failures in a row are counted, and the alert VerificationFailures is <state>

      Examples:
        | failures | state  |
        | 10       | silent |
        | 11       | raised |

    @MONITOR-05
    Scenario: A confirmed verification resets the count and clears the alert
      Given an account whose session lives on instance 3002
      And 12 sends have found the session nowhere
      When 1 send finds the session where the row says
      Then 0 verification failures in a row are counted, and the alert VerificationFailures is silent

    @MONITOR-05
    Scenario: A scan that finds the session elsewhere does not reset the count
      Given an account whose session lives on instance 3002
      And 1 sends have found the session where the row says
      And 10 sends have found the session nowhere
      When 1 send finds the session on another instance
      Then 11 verification failures in a row are counted, and the alert VerificationFailures is raised

    @MONITOR-04 @MONITOR-05
    Scenario Outline: Only sends add to the failures in a row, and only sends reset them
      Given an account whose session lives on instance 3002
      And 2 sends have found the session nowhere
      And 1 sends have found the session where the row says
      And 3 sends have found the session nowhere
      When <event>
      Then 3 verification failures in a row are counted

      Examples:
        | event                                    |
        | a webhook confirms what the row says     |
        | a webhook names an instance without it   |
        | 1 webhook moves the session              |
        | the health check looks, if there is one  |
        | someone unknown sends twice              |

    @MONITOR-04
    Scenario: An alert that stays raised keeps the time when it was raised
      Given an account whose session lives on instance 3002
      And 11 sends have found the session nowhere
      And the alert VerificationFailures has been raised
      When 2 sends wait for an instance that never answers
      Then the alert VerificationFailures is still raised since the same time

    @MONITOR-05
    Scenario: An alert that cleared and is raised again has the time of the second raising
      Given an account whose session lives on instance 3002
      And 11 sends have found the session nowhere
      And the alert VerificationFailures has been raised
      And 2 sends have waited for an instance that never answers
      And 1 sends have found the session where the row says
      When 11 sends find the session nowhere
      Then the alert VerificationFailures is raised since a later time

  Rule: A success rate of ninety-nine percent or less raises an alert

    @MONITOR-07
    Scenario Outline: Ninety-nine in a hundred raises the alert, a hundred in a hundred does not
      Given an implementation that was just started
      And an account whose session lives on instance 3002
      And 99 sends have found the session on another instance
      When 1 send finds the session <place>
      Then <successes> of 100 sync attempts succeeded, and the alert SyncSuccessRate is <state>

      Examples:
        | place               | successes | state  |
        | on another instance | 100       | silent |
        | nowhere             | 99        | raised |
