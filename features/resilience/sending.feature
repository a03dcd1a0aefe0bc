Feature: No message is lost and none is doubled

  Rule: A session that moves in the middle of a send is followed

    @SEND-03
    Scenario: A session that moves after its verification is followed
      Given an account whose session lives on instance 3001
      And the session moves to instance 3002 right after the next verification by instance 3001
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the user is told that it was sent

    @SEND-03
    Scenario Outline: A session that moves before its message arrives is followed
      Given an account whose session lives on instance <old>
      And the session moves to instance <new> just before a message reaches instance <old>
      When the user sends "hello" from the account
      Then instance <new> delivers "hello" once
      And the user is told that it was sent

      Examples:
        | old  | new  |
        | 3001 | 3002 |
        | 3004 | 3003 |

    @SEND-03
    Scenario: A session is followed whose instance goes away before the message is posted
      Given an account whose session lives on instance 3001
      And the session moves to instance 3003 when instance 3001 has answered and goes away
      When the user sends "hello" from the account
      Then instance 3003 delivers "hello" once
      And the user is told that it was sent

  Rule: What may have been sent is not sent again

    @SEND-04
    Scenario Outline: A message whose answer was lost is not sent again
      Given an account whose session lives on instance 3002
      And instance 3002 sends the message and then <failure>
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the message is posted once in all
      And the user is not told for certain that it was not sent

      Examples:
        | failure                 |
        | never answers           |
        | resets the connection   |
        | closes the connection   |
        | breaks off its answer   |
        | answers 500             |
        | answers 502             |
        | answers 503             |

    @SEND-04
    Scenario: A message whose answer was lost does not go out with the next one
      Given an account whose session lives on instance 3002
      And instance 3002 sends the message and then resets the connection
      And the user has tried to send "first" from the account
      And instance 3002 is well again
      When the user sends "second" from the account
      Then instance 3002 delivers "second" once
      And no message went out twice

  Rule: A refused message is not posted again

    @SEND-05
    Scenario Outline: A message that was refused is not posted again
      Given an account whose session lives on instance 3002
      And instance 3002 refuses the message with status <status>
      When the user sends "hello" from the account
      Then the message is posted once in all
      And the user is told that it was not sent

      Examples:
        | status |
        | 302    |
        | 400    |
        | 401    |
        | 403    |
        | 408    |
        | 409    |
        | 422    |
        | 423    |
        | 425    |
        | 429    |
        | 503    |

    @SEND-05
    Scenario Outline: A message that was redirected is posted nowhere else
      Given an account whose session lives on instance 3002
      And instance 3002 redirects the message to instance 3003 with status <status>
      When the user sends "hello" from the account
      Then the message is posted once in all
      And the user is told that it was not sent

      Examples:
        | status |
        | 307    |
        | 308    |

    @SEND-05
    Scenario: A copy that proves not connected is not posted the message again
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And instance 3001 calls its disconnected copy of the session connected
      When the user sends "hello" from the account
      Then no instance is posted the message twice
      And the message is posted at most twice in all
      And the user is told what became of "hello"

    @SEND-05
    Scenario: Copies that all prove not connected are tried once each at most
      Given an account whose session lives on no instance and whose row is assigned to instance 3001
      And every instance calls its disconnected copy of the session connected
      When the user sends "hello" from the account
      Then no instance is posted the message twice
      And the user is told that it was not sent

  Rule: Every send ends

    @SEND-06
    Scenario: An instance that lists the session and denies it is given up
      Given an account whose session lives on instance 3002
      And instance 3002 denies the session whenever a message arrives
      When the user sends "hello" from the account
      Then the message is posted at most eight times in all
      And the user is told that it was not sent

    @SEND-06
    Scenario: Instances that all list the session and deny it are given up
      Given an account whose session lives on instance 3002
      And every instance holds the session and denies it whenever a message arrives
      When the user sends "hello" from the account
      Then the message is posted at most eight times in all
      And the user is told that it was not sent

  Rule: An instance that only says that it has the session keeps no message

    @SEND-13
    Scenario Outline: A zombie does not keep the message from the holder
      Given an account whose session lives on instance <holder>
      And its row is assigned to instance <assigned>
      And instance <zombie> lists the session too
      And instance <zombie> denies the session whenever a message arrives
      When the user sends "hello" from the account
      Then instance <holder> delivers "hello" once
      And the user is told that it was sent

      Examples:
        | assigned | zombie | holder |
        | 3001     | 3001   | 3002   |
        | 3004     | 3004   | 3001   |

    @SEND-13
    Scenario: A zombie that a scan finds first does not keep the message from the holder
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And instance 3003 lists the session too
      And instance 3003 denies the session whenever a message arrives, if one does
      And instance 3002 answers 0.3 seconds late when asked who holds the session
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the user is told that it was sent

  Rule: However often the session moves, every message arrives once

    @SEND-07
    Scenario: Twenty messages follow a session that moves before each of them
      Given an account whose session lives on instance 3001
      When the session moves before each of twenty messages from the account
      Then each message is delivered once by the instance that held the session

  Rule: A message leaves through the session of its own account

    @SEND-08
    Scenario Outline: Accounts of one workspace keep to their own sessions
      Given an account whose session lives on instance 3001
      And another account of the same workspace whose session lives on instance <other>
      When the users of both accounts send a message of their own at the same time
      Then each message goes out once over the session of its own account

      Examples:
        | other |
        | 3001  |
        | 3002  |

    @SEND-08
    Scenario: No other session stands in for one that is lost
      Given an account whose session lives on instance 3001
      And another account of the same workspace whose session is lost
      When the user sends "hello" from the other account
      Then no instance delivers anything for any account
      And the user is told that it was not sent

  Rule: What cannot be sent is refused before any instance is called

    @SEND-09
    Scenario Outline: A message with a wrong part is refused
      Given an account whose session lives on instance 3002
      When the user twice sends a message whose <part> is <wrong>
      Then both sends are refused with an error below 500
      And no instance is called for them

      Examples:
        | part      | wrong     |
        | recipient | missing   |
        | recipient | empty     |
        | recipient | null      |
        | recipient | a number  |
        | recipient | a list    |
        | text      | missing   |
        | text      | empty     |
        | text      | null      |
        | text      | a number  |
        | text      | an object |
        | text      | true      |

    @SEND-09
    Scenario: A message from an account that does not exist is refused
      Given an account whose session lives on instance 3002
      When someone twice sends "hello" from an account that does not exist
      Then both sends are refused with an error below 500
      And no instance is called for them

  Rule: Instances do not wait for one another

    @SEND-10
    Scenario: Eight sends that hang on one instance do not hold up a send elsewhere
      Given an account whose session lives on instance 3002
      And eight other accounts whose sessions live on instance 3001
      And instance 3001 takes messages in and never answers
      When the user sends "hello" from the account while the other eight send
      Then instance 3002 delivers "hello" once
      And the send took less than half the send timeout

  Rule: Only success is success

    @SEND-11
    Scenario Outline: An answer without success is not reported as sent
      Given an account whose session lives on instance 3002
      And instance 3002 does not send the message and answers it with 200 and <body>
      When the user sends "hello" from the account
      Then the user is told that it was not sent
      And the message is posted once in all

      Examples:
        | body              |
        | nothing           |
        | an empty object   |
        | success false     |
        | success as a text |
        | a list            |
        | HTML              |

    @SEND-11
    Scenario Outline: A status of success alone is not reported as sent
      Given an account whose session lives on instance 3002
      And instance 3002 does not send the message and says <status> and nothing else
      When the user sends "hello" from the account
      Then the user is told that it was not sent
      And the message is posted once in all

      Examples:
        | status |
        | 201    |
        | 202    |
        | 204    |

    @SEND-11
    Scenario: Success is success without the id of a message
      Given an account whose session lives on instance 3002
      And instance 3002 sends the message and answers with success alone
      When the user sends "hello" from the account
      Then the user is told that it was sent
      And instance 3002 delivers "hello" once

  Rule: A message has the send timeout, and no more

    @SEND-14
    Scenario Outline: A message whose answer does not come in time is given up
      Given an account whose session lives on instance 3002
      And instance 3002 <behaviour>
      When the user sends "hello" from the account
      Then the user is answered within the send timeout
      And the user is told that it was not sent

      Examples:
        | behaviour                               |
        | takes messages in and never answers     |
        | falls silent while it answers a message |
        | drips its answer to a message           |

    @SEND-14
    Scenario: A message whose answer comes late, and in time, is sent
      Given an account whose session lives on instance 3002
      And instance 3002 takes most of the send timeout to answer the message
      When the user sends "hello" from the account
      Then the user is told that it was sent
      And instance 3002 delivers "hello" once
