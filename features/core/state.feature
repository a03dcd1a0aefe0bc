Feature: A row says when it was written

  Rule: Whoever changes a row sets its time

    @STATE-01
    Scenario: A webhook that moves the URL sets the time
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      When instance 3002 announces session_ready
      Then the row is assigned to instance 3002
      And its updated_at is the time of the write, in UTC

    @STATE-01
    Scenario: A webhook that changes only the status sets the time
      Given an account whose session lives on instance 3002
      And its row is disconnected
      When instance 3002 announces session_ready without X-Instance-Url
      Then the row has status "connected"
      And its updated_at is the time of the write, in UTC

    @STATE-01
    Scenario: A send that repairs the row sets the time
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      When the user sends "hello" from the account
      Then the row is assigned to instance 3002
      And its updated_at is the time of the write, in UTC

  Rule: The time is in UTC

    @STATE-01
    Scenario: An implementation in another time zone writes UTC all the same
      Given the implementation runs in Jakarta, seven hours ahead of UTC
      And an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      When instance 3002 announces session_ready
      Then the row is assigned to instance 3002
      And its updated_at is the time of the write, in UTC
