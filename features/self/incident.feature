Feature: The incident is real
  These scenarios prove the instrument: the symptom is reproduced before anyone is judged by it.

  Background:
    Given the implementation without the fix
    And account 142 of the incident, whose session is first on instance 3001
    And the session has reconnected on instance 3002 and the webhook was lost

  Rule: The row looks right but is wrong

    @TIMELINE-02
    Scenario: The instances and the row disagree before the send
      Then instance 3001 counts no session
      And instance 3002 counts one session
      And the row has status "connected"
      And the row is assigned to instance 3001

  Rule: Without the fix the message is lost

    @TIMELINE-03
    Scenario: Without the fix the message gets a 404 and the user is not told that it was sent
      When the user sends "Your order has been shipped." from account 142
      Then instance 3001 answered the message with status 404
      And no instance delivers anything
      And the user is told that it was not sent
      And the row is assigned to instance 3001
