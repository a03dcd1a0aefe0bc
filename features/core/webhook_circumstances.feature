Feature: Bad moments cost no webhook

  Rule: The same webhook at the same moment is one move

    @WEBHOOK-18
    Scenario: Announcements that arrive several times at once are one move each
      Given an account whose session lives on instance 3001
      When three moves of the session are announced, each 6 times at the same moment
      Then the log has three moves by webhook

  Rule: A burst of other events keeps no location out

    @WEBHOOK-19
    Scenario: The session_ready behind a burst of QR codes is heard
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      When instance 3002 announces 80 QR codes in a burst, and then session_ready
      Then the webhook is accepted
      And the row is assigned to instance 3002

  Rule: What came too early does not bar what comes in time

    @WEBHOOK-20
    Scenario: A session that was announced before its account was there is heard the next time
      Given a session on instance 3002, announced before its account was there
      When instance 3002 announces session_ready
      Then the webhook is accepted
      And the row is assigned to instance 3002

  Rule: Another writer costs no webhook

    @WEBHOOK-21
    Scenario: A webhook that comes while somebody else holds the database is not lost
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      When instance 3002 announces session_ready while another writer holds the database
      Then the webhook is accepted
      And the row is assigned to instance 3002
