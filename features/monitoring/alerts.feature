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
