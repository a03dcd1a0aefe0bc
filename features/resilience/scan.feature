Feature: A scan is quick, honest, shared and never the last word

  Rule: A scan takes one verify timeout, not one for each instance

    @SCAN-07
    Scenario Outline: Two instances that never answer cost one verify timeout together
      Given an account whose session lives on instance <holder>
      And its row is assigned to instance 3001
      And instance <one> never answers when asked who holds the session, if it is asked
      And instance <two> never answers when asked who holds the session, if it is asked
      When the user sends "hello" from the account
      Then instance <holder> delivers "hello" once
      And the row is assigned to instance <holder>
      And the send took no longer than one verify timeout

      Examples:
        | one  | two  | holder |
        | 3002 | 3003 | 3004   |
        | 3002 | 3004 | 3003   |
        | 3003 | 3004 | 3002   |

  Rule: A failure says what is not known

    @SCAN-08
    Scenario Outline: An instance that could not be asked leaves the answer open
      Given an account whose session lives on no instance and whose row is assigned to instance 3001
      And instance <faulty> <behaviour> when asked who holds the session
      When the user sends "hello" from the account
      Then the user is told that it was not sent
      And nothing says that the session is nowhere
      And the failure says that instance <faulty> could not be asked
      And the log says that the session could not be verified, instance <faulty> being unasked
      And the row was not written

      Examples:
        | faulty | behaviour           |
        | 3001   | refuses connections |
        | 3002   | answers 500         |
        | 3003   | refuses connections |
        | 3003   | never answers       |
        | 3004   | answers broken JSON |

  Rule: Sends at the same time share their questions

    @SCAN-09
    Scenario: Twenty sends at once repair the row once and ask each instance a few times
      Given an account whose session lives on instance 3003
      And its row is assigned to instance 3001
      And every instance answers 0.3 seconds late when asked who holds the session
      When twenty users send a message each from the account at the same time
      Then instance 3003 delivers each message once
      And the row is assigned to instance 3003
      And the log has one move by scan
      And no instance was asked more than ten times

  Rule: Of two holders the assigned one is kept

    @SCAN-10
    Scenario Outline: A second copy elsewhere does not attract the row
      Given an account whose session lives on instance <assigned>
      And instance <other> lists the session too
      When the user sends "hello" from the account
      Then instance <assigned> delivers "hello" once
      And the row was not written

      Examples:
        | assigned | other |
        | 3001     | 3004  |
        | 3004     | 3001  |

    @SCAN-10
    Scenario: A second copy that answers faster does not attract the row
      Given an account whose session lives on instance 3002
      And instance 3003 lists the session too
      And instance 3002 answers 0.3 seconds late when asked who holds the session
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the row was not written

  Rule: What a scan saw earlier never overwrites a newer webhook

    @SCAN-11
    Scenario: A webhook that lands while a scan waits for its answers has the last word
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And the session connects on instance 3003 too, announced before instance 3002 says that it holds it
      When the user sends "hello" from the account
      Then the announcement of instance 3003 is accepted
      And the row is assigned to instance 3003
