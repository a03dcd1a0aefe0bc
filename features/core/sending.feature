Feature: A message arrives as it was written, or the user knows

  Rule: What the user wrote arrives unchanged

    @SEND-01
    Scenario Outline: Any text arrives unchanged
      Given an account whose session lives on instance <holder>
      And its row is assigned to instance 3003
      When the user sends a text with <content> from the account
      Then instance <holder> delivers the text with <content> once, unchanged
      And the user is told that it was sent

      Examples:
        | content                       | holder |
        | plain words                   | 3003   |
        | emoji                         | 3003   |
        | right-to-left                 | 3003   |
        | quotes                        | 3003   |
        | newlines                      | 3003   |
        | blanks around it              | 3003   |
        | decomposed letters            | 3003   |
        | invisible characters          | 3003   |
        | digits alone                  | 3003   |
        | the word null                 | 3003   |
        | 4,000 characters              | 3003   |
        | 4,000 letters of many scripts | 3003   |
        | emoji                         | 3002   |

    @SEND-01
    Scenario Outline: Any recipient arrives unchanged
      Given an account whose session lives on instance 3002
      When the user sends "hello" to a number <form>
      Then instance 3002 delivers "hello" once
      And the message goes to that very number
      And the user is told that it was sent

      Examples:
        | form              |
        | of digits alone   |
        | with a plus       |
        | with @c.us behind |
        | with @lid behind  |

    @SEND-01
    Scenario: The type of a message is handed on
      Given an account whose session lives on instance 3002
      When the user sends a document that says "hello" from the account
      Then instance 3002 delivers "hello" once
      And instance 3002 is handed the type that the user gave

    @SEND-01
    Scenario: A message without a type is a text
      Given an account whose session lives on instance 3002
      When the user sends "hello" from the account
      Then instance 3002 is handed the type "text"

  Rule: Each message goes to its own person

    @SEND-16
    Scenario: Messages to different people at the same time are not exchanged
      Given four accounts whose sessions live on an instance each
      And every instance answers 0.2 seconds late when asked who holds the session
      When three users of each account send to somebody of their own at the same time
      Then each text went once to the person whom its user named
      And each user is told of his own message

    @SEND-16
    Scenario: The same words to different people at the same time are as many messages
      Given an account whose session lives on instance 3002
      And every instance answers 0.2 seconds late when asked who holds the session
      When four users of the account send the same words to different people at the same time
      Then instance 3002 delivers the words each time

  Rule: What the instances say counts, not what the row says of the session

    @SEND-12
    Scenario Outline: The status in the row keeps no message back
      Given an account whose session lives on instance 3002
      And its row has status "<status>"
      And its row is assigned to instance <assigned>
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the user is told that it was sent

      Examples:
        | status        | assigned |
        | disconnected  | 3002     |
        | disconnected  | 3001     |
        | qr_scanning   | 3002     |
        | authenticated | 3001     |
        | failed        | 3002     |

  Rule: A refusal is reported as a failure

    @SEND-02
    Scenario: A message that was not sent does not go out later
      Given an account whose session lives on instance 3002
      And instance 3002 refuses the message with status 403
      And the user has tried to send "first" from the account
      And instance 3002 is well again
      And instance 3002 has announced session_ready
      When the user sends "second" from the account
      Then instance 3002 delivers "second" once
      And no message went out after its user was told that it did not

    @SEND-02
    Scenario Outline: A message that the instance refuses is not reported as sent
      Given an account whose session lives on instance 3002
      And instance 3002 refuses the message with status <status>
      When the user sends "hello" from the account
      Then the user is told that it was not sent
      And no instance delivers anything

      Examples:
        | status |
        | 302    |
        | 400    |
        | 401    |
        | 403    |
        | 404    |
        | 422    |
        | 429    |
