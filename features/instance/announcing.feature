Feature: A gateway instance announces where a session lives

  Rule: A webhook names its sender by the URL that the sender really has

    @INSTANCE-01
    Scenario Outline: A webhook carries the five headers and the URL of its sender
      When a session connects on instance <number>
      Then the location webhook carries the five headers
      And it names the URL of instance <number>

      Examples:
        | number |
        | 3001   |
        | 3002   |
        | 3003   |
        | 3004   |

    @INSTANCE-01
    Scenario: An instance that is called by another name still names its own URL
      Given a session that is connected on instance 3002
      When the session is told to reconnect by somebody who calls its instance gateway.example:9
      Then it names the URL of instance 3002

  Rule: The signature covers the timestamp and the exact bytes of the body

    @INSTANCE-02
    Scenario: The webhook of a session that connects is signed as it is sent
      When a session connects on instance 3001
      Then each webhook is signed over its timestamp and the exact bytes of its body

    @INSTANCE-02
    Scenario: The webhook of a session that reconnects is signed as it is sent
      Given a session that is connected on instance 3001
      When the session reconnects
      Then each webhook is signed over its timestamp and the exact bytes of its body

  Rule: Connecting is announced by session_ready, reconnecting by session_reconnected, and both are true by then

    @INSTANCE-05
    Scenario: A session that connects is announced by session_ready
      Given a control plane that asks back at once whether the session is connected
      When a session connects on instance 3004
      Then the control plane hears session_ready of the session
      And the session was connected when that was announced

    @INSTANCE-05
    Scenario: A session that reconnects is announced by session_reconnected
      Given a session that is connected on instance 3004
      And a control plane that asks back at once whether the session is connected
      When the session reconnects
      Then the control plane hears session_reconnected of the session
      And the session was connected when that was announced
