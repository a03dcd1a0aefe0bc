Feature: A gateway instance makes sure that its location arrives

  Rule: A webhook that may get through a little later is tried again, after waits that grow
    How long an instance waits while connections are refused cannot be observed from outside. There, the webhook
    must arrive once the network is back.

    @INSTANCE-06
    Scenario Outline: A webhook that the control plane cannot take now is tried again
      Given a control plane that answers location webhooks with <status>
      When a session connects on instance 3001
      Then its location webhook is tried four times, after waits that grow
      And each try is signed for its own moment

      Examples:
        | status |
        | 429    |
        | 500    |
        | 503    |

    @INSTANCE-06
    Scenario: A webhook that the network refuses arrives when the network is back
      Given a control plane that refuses connections
      When a session connects on instance 3001, and the network is back half a second later
      Then the control plane hears session_ready of the session

  Rule: A webhook that will never be accepted is not tried again

    @INSTANCE-06
    Scenario: A webhook that is answered 401 is tried once
      When two sessions connect on instance 3001, whose location webhooks are answered 401 and 429
      Then that of the first is tried once, while that of the other is tried four times
