Feature: Instances name themselves in webhooks

  Background:
    Given an account whose session lives on instance 3002
    And its row is assigned to instance 3001

  Rule: A signed session_ready moves the URL to the instance it names

    @WEBHOOK-01
    Scenario Outline: A session that becomes ready anywhere is found there
      Given the session has moved to instance <instance> unannounced
      And its row is assigned to instance <stored>
      When instance <instance> announces session_ready
      Then the webhook is accepted
      And the row is assigned to instance <instance>

      Examples:
        | instance | stored |
        | 3001     | 3004   |
        | 3002     | 3001   |
        | 3003     | 3002   |
        | 3004     | 3003   |

    @WEBHOOK-03
    Scenario: The same write sets status and phone number
      Given its row is disconnected
      When instance 3002 announces session_ready with phone number "628555000111"
      Then the row is assigned to instance 3002
      And the row has status "connected"
      And the row has phone number "628555000111"

    @WEBHOOK-05
    Scenario: A move is logged with the value before the write
      When instance 3002 announces session_ready
      Then the log says that a webhook moved the URL from instance 3001 to instance 3002

    @WEBHOOK-06
    Scenario: A row without an instance is filled
      Given its row is assigned to no instance
      When instance 3002 announces session_ready
      Then the row is assigned to instance 3002

    @WEBHOOK-05
    Scenario: A row that is filled is a move from nowhere
      Given its row is assigned to no instance
      When instance 3002 announces session_ready
      Then the log says that a webhook filled the URL with instance 3002

  Rule: A session_reconnected moves the URL too

    @WEBHOOK-02
    Scenario: A reconnect moves the URL and keeps the phone number, which it does not carry
      When instance 3002 announces session_reconnected
      Then the row is assigned to instance 3002
      And the row keeps its phone number

    @WEBHOOK-02
    Scenario: A phone number that is null counts as absent
      When instance 3002 announces session_ready whose phone number is null
      Then the row is assigned to instance 3002
      And the row keeps its phone number

  Rule: Nothing else moves the URL

    @WEBHOOK-04
    Scenario: Without X-Instance-Url status and phone number change and the URL does not
      Given its row is assigned to instance 3003
      And its row is disconnected
      When instance 3002 announces session_ready without X-Instance-Url
      Then the webhook is accepted
      And the row has status "connected"
      And the row has phone number "628999888777"
      And the row is still assigned to instance 3003

    @WEBHOOK-04
    Scenario: An empty X-Instance-Url counts as missing
      Given its row is assigned to instance 3003
      And its row is disconnected
      When instance 3002 announces session_ready with an empty X-Instance-Url
      Then the webhook is accepted
      And the row has status "connected"
      And the row has phone number "628999888777"
      And the row is still assigned to instance 3003

    @WEBHOOK-07
    Scenario Outline: An event that carries no location leaves the URL alone
      When instance <instance> announces <event>
      Then the row is still assigned to instance 3001

      Examples:
        | instance | event                 |
        | 3002     | session_disconnected  |
        | 3001     | session_disconnected  |
        | 3002     | message_received      |
        | 3002     | qr_code_generated     |
        | 3002     | session_authenticated |
        | 3002     | message_delivered     |
        | 3002     | session_ready_soon    |
        | 3002     | something_new         |

    @WEBHOOK-08
    Scenario: Only the row of the named session is written
      Given another account whose session lives on instance 3001
      And another account whose session lives on instance 3002
      And another account whose session lives on instance 3003
      And another account of the same workspace whose session lives on instance 3004
      And another account whose session id begins like the account's
      When instance 3002 announces session_ready
      Then the row is assigned to instance 3002
      And every other account's row was not written

    @WEBHOOK-10
    Scenario: A webhook for an unknown session changes no row
      Given another account whose session lives on instance 3003
      When instance 3002 announces session_ready for a session that no account has
      Then the webhook is answered below 500
      And the row was not written
      And every other account's row was not written

    @WEBHOOK-14
    Scenario: A webhook of another workspace changes nothing
      When instance 3002 announces session_ready for another workspace
      Then the row was not written

    @WEBHOOK-14
    Scenario: A webhook without a workspace is taken by its session alone
      When instance 3002 announces session_ready without a workspace
      Then the webhook is accepted
      And the row is assigned to instance 3002

    @WEBHOOK-16
    Scenario: Whoever announces an unknown session is told
      When instance 3002 announces session_ready for a session that no account has
      Then the webhook is answered with an error below 500

    @WEBHOOK-16
    Scenario: Whoever announces a session of another workspace is told
      When instance 3002 announces session_ready for another workspace
      Then the webhook is answered with an error below 500

  Rule: A webhook that says nothing new moves nothing

    @WEBHOOK-09
    Scenario: The same webhook twice leaves the same row
      Given instance 3002 has announced session_ready
      And the row has been read and says instance 3002
      When the very same webhook arrives again
      Then the row says what it said before

    @WEBHOOK-11
    Scenario: The same webhook twice is no second move
      When instance 3002 announces session_ready
      And the very same webhook arrives again
      Then the row is assigned to instance 3002
      And the log has one move by webhook

    @WEBHOOK-11
    Scenario: A URL that is stored already is no move
      Given its row is assigned to instance 3002
      When instance 3002 announces session_ready
      Then the row is assigned to instance 3002
      And the log has no move by webhook

    @WEBHOOK-11
    Scenario: A trailing slash makes no difference
      Given its row is assigned to instance 3002
      When instance 3002 announces session_ready with a slash after its URL
      Then the row is assigned to instance 3002
      And the log has no move by webhook

  Rule: Old news does not undo newer news

    @WEBHOOK-12
    Scenario: A late webhook does not undo a newer move
      Given the session has reconnected on instance 3003
      And the row has been read and says instance 3003
      When the announcement of instance 3002 from 100 seconds ago arrives late
      Then the row is still assigned to instance 3003

    @WEBHOOK-12
    Scenario: A clock that was ahead does not keep out the next move
      Given instance 3002, whose clock is 240 seconds ahead, has announced session_ready
      And the row has been read and says instance 3002
      And the session has moved to instance 3003 unannounced
      When instance 3003 announces session_ready
      Then the row is assigned to instance 3003

  Rule: The next send follows the webhook at once

    @WEBHOOK-13
    Scenario: A send after a webhook uses the new instance though the old one still lists the session
      Given instance 3001 lists the session too
      And the user has sent "before" from the account
      And instance 3002 has announced session_ready
      And the row has been read and says instance 3002
      When the user sends "after" from the account
      Then instance 3001 delivers "before" once
      And instance 3002 delivers "after" once

  Rule: What was accepted is not lost

    @WEBHOOK-15
    Scenario: A webhook that was accepted outlives a killed implementation
      When the implementation is killed right after its answer to the announcement of instance 3002
      And it is started again
      Then the webhook is accepted
      And the row is assigned to instance 3002
