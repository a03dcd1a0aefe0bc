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
        | content          | holder |
        | plain words      | 3003   |
        | emoji            | 3003   |
        | right-to-left    | 3003   |
        | quotes           | 3003   |
        | newlines         | 3003   |
        | blanks around it | 3003   |
        | 4,000 characters | 3003   |
        | emoji            | 3002   |

  Rule: A refusal is reported as a failure

    @SEND-02
    Scenario Outline: A message that the instance refuses is not reported as sent
      Given an account whose session lives on instance 3002
      And instance 3002 refuses the message with status <status>
      When the user sends "hello" from the account
      Then the user is told that it was not sent
      And no instance delivers anything

      Examples:
        | status |
        | 400    |
        | 401    |
        | 404    |
        | 422    |
