Feature: What went wrong once, or was said once, does not last

  Rule: The same words again are another message

    @SEND-15
    Scenario: The same words to the same person go out as often as they are sent
      Given an account whose session lives on instance 3002
      When the user sends the same words three times to the same person
      Then instance 3002 delivers the words each time
      And the user is told each time that it was sent

    @SEND-15
    Scenario: The same words go to everybody to whom they are sent
      Given an account whose session lives on instance 3002
      When the user sends the same words to three people
      Then instance 3002 delivers the words each time
      And the user is told each time that it was sent

    @SEND-15
    Scenario: The same words go out from every account that sends them
      Given an account whose session lives on instance 3002
      And another account whose session lives on instance 3002
      When the users of both accounts send the same words to the same person
      Then instance 3002 delivers the words each time
      And the user is told each time that it was sent

  Rule: A connection that is gone takes no message with it

    @SEND-17
    Scenario Outline: The first message behind the end of every connection goes out
      Given an account whose session lives on instance 3002
      And the user has sent "first" from the account
      And instance 3002 <ended>
      When the user sends "second" from the account
      Then instance 3002 delivers "second" once
      And the user is told that it was sent

      Examples:
        | ended                           |
        | closed its idle connections     |
        | was restarted                   |
        | was killed and is started again |

  Rule: An instance that is well again is used again

    @SEND-18
    Scenario Outline: An instance that was down and is back is used
      Given an account whose session lives on instance 3002
      And its row is assigned to instance <assigned>
      And <count> sends were made while instance 3002 <trouble>
      When users go on sending for one verify timeout, until a message goes out
      Then instance 3002 delivers the last of them

      Examples:
        | assigned | count | trouble                    |
        | 3002     | six   | was down                   |
        | 3001     | six   | was down                   |
        | 3002     | six   | refused connections        |
        | 3002     | six   | answered 500               |
        | 3001     | four  | never answered             |
        | 3002     | six   | denied the session         |
        | 3002     | six   | answered messages with 500 |
        | 3002     | six   | answered messages with 429 |

    @SEND-18
    Scenario: Messages that hung take no place from later ones
      Given an account whose session lives on instance 3002
      And twelve sends at once were made while instance 3002 took messages in and never answered
      When users go on sending for one verify timeout, until a message goes out
      Then instance 3002 delivers the last of them
