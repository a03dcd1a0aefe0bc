Feature: The incident of account 142
  The five steps of the document's timeline, replayed in order.

  Rule: A message reaches the session wherever it really lives

    @TIMELINE-01
    Scenario: The five steps of the incident end with the message delivered
      Given account 142 of the incident, whose session is first on instance 3001
      And the session has reconnected on instance 3002 and the webhook was lost
      And the row still says connected and instance 3001
      When the user sends "Your order has been shipped." from account 142
      Then instance 3002 delivers "Your order has been shipped." once
      And the user is told that it was sent
      And the row is assigned to instance 3002
