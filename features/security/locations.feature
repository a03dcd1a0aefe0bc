Feature: A location is not believed on a signature alone

  Rule: Only configured instances are stored

    @SPOOF-01
    Scenario Outline: A location outside the configured instances is not stored
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      When a signed session_ready names <location>
      Then the row names a configured instance as it is configured

      Examples:
        | location                         |
        | another host                     |
        | another port                     |
        | a host after the instance's     |
        | a port that begins like its port |
        | its URL over https               |
        | its URL with a user              |
        | its URL with a path              |
        | its URL with a query             |
        | its URL with a fragment          |
        | its address by another name      |
        | its address as an IPv6 one       |
        | its address as one number        |
        | its URL and an encoded line end  |
        | a script                         |
        | a file                           |
        | 10,000 characters                |
        | two locations, one of them evil  |
        | two locations, the evil one last |

    @SPOOF-01 @SPOOF-05
    Scenario: A captured webhook that comes again with a location outside is not believed either
      Given an account whose session lives on instance 3002
      And instance 3002 has announced session_ready
      When the very same webhook arrives again and names another host
      Then the row names a configured instance as it is configured

  Rule: Nothing is sent to strangers

    @SPOOF-02
    Scenario: A signed webhook that names a stranger gets it neither the message nor a key
      Given an account whose session lives on instance 3002
      And a signed session_ready has named the stranger
      When the user sends "the code is 7315 9921" from the account
      Then nothing of the message, its recipient or the API key reached the stranger
      And instance 3002 delivers "the code is 7315 9921" once

    @SPOOF-02
    Scenario: A row that names a stranger gets it neither the message nor a key
      Given an account whose session lives on instance 3002
      And its row names a host outside the instances
      When the user sends "the code is 7315 9921" from the account
      Then nothing of the message, its recipient or the API key reached the stranger

    @SPOOF-02 @SPOOF-05
    Scenario: A captured webhook that comes again for a stranger gets it nothing
      Given an account whose session lives on instance 3002
      And instance 3002 has announced session_ready
      And the very same webhook has arrived again and named the stranger
      When the user sends "the code is 7315 9921" from the account
      Then nothing of the message, its recipient or the API key reached the stranger
      And instance 3002 delivers "the code is 7315 9921" once

  Rule: A location without the session keeps no message from the holder

    @SPOOF-03
    Scenario: The next message goes to the holder, whatever a webhook named
      Given an account whose session lives on instance 3002
      And a signed session_ready has named instance 3003
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the user is told that it was sent

    @SPOOF-03 @SPOOF-05
    Scenario: The next message goes to the holder, whatever a captured webhook names the second time
      Given an account whose session lives on instance 3002
      And instance 3002 has announced session_ready
      And the very same webhook has arrived again and named instance 3003
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the user is told that it was sent

    @SPOOF-04
    Scenario: A location without the session is not stored
      Given an account whose session lives on instance 3002
      When a signed session_ready names instance 3003
      Then the row is still assigned to instance 3002

    @SPOOF-04
    Scenario: A captured webhook that names an instance without the session is not stored
      Given an account whose session lives on instance 3002
      And instance 3002 has announced session_ready
      When the very same webhook arrives again and names instance 3003
      Then the row is still assigned to instance 3002

  Rule: Redirects are not followed outside the instances

    @SPOOF-06
    Scenario Outline: An instance that redirects elsewhere when asked is not followed there
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      And instance 3001 redirects <what> to a stranger with status <status>
      When the user sends "hello" from the account
      Then nothing at all reached the stranger

      Examples:
        | what           | status |
        | every question | 302    |
        | every question | 307    |

    @SPOOF-06
    Scenario Outline: An instance that redirects the message is not followed outside
      Given an account whose session lives on instance 3002
      And instance 3002 redirects <what> to a stranger with status <status>
      When the user sends "hello" from the account
      Then nothing at all reached the stranger

      Examples:
        | what        | status |
        | the message | 302    |
        | the message | 307    |
        | the message | 308    |

  Rule: A bad location leaves no half update

    @SPOOF-07
    Scenario: What else a webhook with a bad location says is written, or the whole webhook is refused
      Given an account whose session lives on instance 3002
      And its row is disconnected
      When a signed session_ready with a new phone number names another host
      Then either status and phone number were written, or nothing was, and the answer is below 500

  Rule: A refused location is logged safely

    @SPOOF-08
    Scenario Outline: A refused location is logged in one bounded line that passes for no other event
      Given an account whose session lives on instance 3002
      When a signed session_ready names <location>
      Then one bounded line reports the refused location, and no line another event

      Examples:
        | location                        |
        | another host                    |
        | instance 3003                   |
        | its URL with a user and a query |
        | another event's text            |
        | an encoded line end and a text  |
        | 10,000 characters               |
