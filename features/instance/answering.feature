Feature: A gateway instance reports truly which sessions it holds

  Rule: Health counts and lists the sessions that are held, no more and no fewer

    @INSTANCE-03
    Scenario: An instance that holds no session counts and lists none
      Given a session that is connected on instance 3002
      When somebody looks at the health of instance 3001
      Then it counts 0 in all, 0 connected
      And it lists exactly the sessions that it holds

    @INSTANCE-03
    Scenario: Each session that is held is counted and listed
      Given three sessions that are connected on instance 3002
      And a session that is connected on instance 3003
      When somebody looks at the health of instance 3002
      Then it counts 3 in all, 3 connected
      And it lists exactly the sessions that it holds

    @INSTANCE-03
    Scenario: A session that waits for its QR code is held and not connected
      Given a session that is connected on instance 3002
      And a session that waits for its QR code on instance 3002
      When somebody looks at the health of instance 3002
      Then it counts 2 in all, 1 connected
      And it lists exactly the sessions that it holds

    @INSTANCE-03
    Scenario: A session that was ended is neither counted nor listed
      Given a session that is connected on instance 3002
      And a session that was ended on instance 3002
      When somebody looks at the health of instance 3002
      Then it counts 1 in all, 1 connected
      And it lists exactly the sessions that it holds

  Rule: A message for a session that an instance does not hold is answered "Session not found"

    @INSTANCE-04
    Scenario Outline: Nothing is sent over a session that an instance does not hold
      Given a session that <is>
      When a message for it is handed to instance 3002
      Then the answer is "Session not found"
      And instance 3002 sends nothing

      Examples:
        | is                               |
        | nobody knows                     |
        | is connected on instance 3003    |
        | was ended on instance 3002       |
        | begins like one of instance 3002 |
        | is cut from one of instance 3002 |
