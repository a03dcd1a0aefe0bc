Feature: A scan finds the session and repairs the row

  Rule: A session is found on any instance

    @SCAN-01
    Scenario Outline: A mismatched row is repaired by the next send
      Given an account whose session lives on instance <holder>
      And its row is assigned to instance <assigned>
      When the user sends "hello" from the account
      Then instance <holder> delivers "hello" once
      And the user is told that it was sent
      And the row is assigned to instance <holder>

      Examples:
        | assigned | holder |
        | 3001     | 3002   |
        | 3001     | 3003   |
        | 3001     | 3004   |
        | 3002     | 3001   |
        | 3002     | 3003   |
        | 3002     | 3004   |
        | 3003     | 3001   |
        | 3003     | 3002   |
        | 3003     | 3004   |
        | 3004     | 3001   |
        | 3004     | 3002   |
        | 3004     | 3003   |

    @SCAN-02
    Scenario: The repair is logged with the value before the write
      Given an account whose session lives on instance 3003
      And its row is assigned to instance 3001
      When the user sends "hello" from the account
      Then the log says that a scan moved the URL from instance 3001 to instance 3003

  Rule: A session that is nowhere is reported as nowhere

    @SCAN-03
    Scenario: A session that no instance holds fails the send and changes nothing
      Given an account whose session lives on no instance and whose row is assigned to instance 3001
      When the user sends "hello" from the account
      Then the user is told that it was not sent
      And the error says that the session was not found in any instance
      And no message is posted to any instance
      And the row was not written
      And the log says that the session is in no instance

  Rule: Other tenants' sessions do not attract the row

    @SCAN-04
    Scenario: Earlier instances with sessions of others are passed over
      Given an account whose session lives on instance 3004
      And its row is assigned to instance 3001
      And instance 3001 holds sessions of other tenants
      And instance 3002 holds sessions of other tenants
      And instance 3003 holds sessions of other tenants
      When the user sends "hello" from the account
      Then instance 3004 delivers "hello" once
      And the message is posted once in all
      And the row is assigned to instance 3004

  Rule: Misbehaving instances do not hide the holder

    @SCAN-05
    Scenario Outline: One misbehaving instance does not hide the holder
      Given an account whose session lives on instance <holder>
      And its row is assigned to instance <assigned>
      And instance <faulty> <behaviour>, if it is asked
      When the user sends "hello" from the account
      Then instance <holder> delivers "hello" once
      And the row is assigned to instance <holder>

      Examples:
        | assigned | faulty | behaviour           | holder |
        | 3001     | 3002   | refuses connections | 3003   |
        | 3001     | 3002   | never answers       | 3003   |
        | 3001     | 3002   | answers 500         | 3003   |
        | 3001     | 3002   | answers broken JSON | 3003   |
        | 3001     | 3002   | answers HTML        | 3003   |
        | 3004     | 3003   | answers 500         | 3002   |
        | 3004     | 3001   | answers null        | 3003   |

    @SCAN-05
    Scenario Outline: Two misbehaving instances do not hide the holder
      Given an account whose session lives on instance <holder>
      And its row is assigned to instance <assigned>
      And instance <first> <one>, if it is asked
      And instance <second> <two>, if it is asked
      When the user sends "hello" from the account
      Then instance <holder> delivers "hello" once
      And the row is assigned to instance <holder>

      Examples:
        | assigned | first | one                   | second | two                      | holder |
        | 3001     | 3002  | refuses connections   | 3003   | answers 500              | 3004   |
        | 3001     | 3002  | answers an empty body | 3003   | refuses connections      | 3004   |
        | 3004     | 3002  | answers a list        | 3003   | answers without sessions | 3001   |
        | 3001     | 3001  | answers 500           | 3002   | refuses connections      | 3003   |

  Rule: A correct row is never changed by a failing scan

    @SCAN-06
    Scenario Outline: A holder that cannot be asked keeps its row
      Given an account whose session lives on instance 3002
      And instance 3001 holds sessions of other tenants
      And instance 3002 <behaviour> when asked who holds the session
      When the user sends "hello" from the account
      Then the row was not written

      Examples:
        | behaviour               |
        | refuses connections     |
        | answers 500             |
        | answers broken JSON     |
        | answers without details |

    @SCAN-06
    Scenario Outline: A stale copy does not draw the row while the holder cannot be asked
      Given an account whose session lives on instance 3002
      And instance 3004 has a copy of the session that is <status>
      And instance 3002 <behaviour> when asked who holds the session
      When the user sends "hello" from the account
      Then the row was not written

      Examples:
        | status        | behaviour           |
        | disconnected  | never answers       |
        | disconnected  | refuses connections |
        | qr_scanning   | answers 500         |
        | authenticated | answers broken JSON |
        | failed        | answers HTML        |
