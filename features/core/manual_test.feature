Feature: The document's manual test
  Its five numbered steps, each quoted above the phrase that carries it out.

  Background:
    # 1. Setup initial state
    Given account 142 whose session lives on instance 3002
    And instance 3002 lists the session
    And the row has been read and says instance 3002
    # 2. Force the mismatch
    And someone sets the row to instance 3001 by hand

  Rule: A row that was set wrong by hand mends itself at the next send

    @MANUAL-01
    Scenario: The row is back on the holder after one message
      # 3. Attempt to send a message
      When the user sends "hello" from account 142
      # 4. Verify the auto-sync
      Then instance 3002 delivers "hello" once
      # 5. Verify the database
      And the row is assigned to instance 3002

  Rule: The log has the line that the document says to look for

    @MANUAL-02
    Scenario: The log has the line that the document greps for
      When the user sends "hello" from account 142
      Then the log says that the session was verified or synced
