Feature: A webhook may be written in any form that its standards allow

  Rule: Header names have no case

    @WEBHOOK-17
    Scenario Outline: A webhook is understood whatever the case of its header names
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      When instance 3002 announces session_ready with header names in <letters> case
      Then the webhook is accepted
      And the row is assigned to instance 3002

      Examples:
        | letters |
        | lower   |
        | upper   |
        | mixed   |

  Rule: A body may come in chunks

    @WEBHOOK-17
    Scenario Outline: A small body in chunks is read whole
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      When instance 3002 announces session_ready in chunks of <size> bytes
      Then the webhook is accepted
      And the row is assigned to instance 3002

      Examples:
        | size |
        | 1    |
        | 100  |
        | 4096 |

  Rule: The same can be said in many ways

    @WEBHOOK-17
    Scenario Outline: A body says the same however its JSON is written
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      When instance 3002 announces session_ready written with <form>
      Then the webhook is accepted
      And the row is assigned to instance 3002

      Examples:
        | form                      |
        | letters of many scripts   |
        | emoji                     |
        | emoji as pairs of escapes |
        | every letter escaped      |
        | slashes escaped           |
        | short escapes             |
        | indentation and line ends |
        | its data first            |
        | fields that nobody knows  |

  Rule: Text that few can store breaks nothing

    @WEBHOOK-17
    Scenario Outline: What cannot be stored keeps nothing out
      Given an account whose session lives on instance 3002
      And its row is assigned to instance 3001
      When instance 3002 announces <event> with <oddity> in it, and then session_reconnected
      Then both webhooks are answered below 500
      And the row is assigned to instance 3002
      And the implementation goes on running

      Examples:
        | event            | oddity                       |
        | message_received | half an emoji                |
        | message_received | its other half               |
        | message_received | a NUL                        |
        | message_received | lists in lists, 100,000 deep |
        | session_ready    | half an emoji                |
        | session_ready    | a NUL                        |
        | session_ready    | lists in lists, 100,000 deep |

    @WEBHOOK-17
    Scenario Outline: A name that no database can hold breaks nothing
      Given an account whose session lives on instance 3002
      When instance 3002 announces session_ready with <oddity> as its <field>
      Then the webhook is answered below 500

      Examples:
        | oddity        | field        |
        | half an emoji | session id   |
        | a NUL         | session id   |
        | half an emoji | phone number |
        | a NUL         | phone number |

  Rule: A session may have any name

    @WEBHOOK-08
    Scenario Outline: A webhook finds its session whatever characters the id has
      Given an account on instance 3002 whose session id has <characters>
      And its row is assigned to instance 3001
      When instance 3002 announces session_ready
      Then the webhook is accepted
      And the row is assigned to instance 3002

      Examples:
        | characters       |
        | a blank          |
        | a number sign    |
        | a slash     |
        | an encoded slash |
        | a percent sign   |
        | a plus sign      |
        | dots             |
        | double quotes    |
        | a single quote   |
        | a backslash      |
        | accents     |
        | Chinese letters  |
        | an emoji         |
        | 255 characters   |

    @WEBHOOK-08
    Scenario Outline: A session id that is only alike is another session
      Given two accounts on instance 3003 with wrong rows, of which the first's session id <likeness> the other's
      When instance 3003 announces session_ready of the other account
      Then the other account's row is assigned to instance 3003
      And the first account's row was not written

      Examples:
        | likeness                           |
        | differs in case from               |
        | begins like                        |
        | ends like                          |
        | is the beginning of                |
        | has hyphens for the underscores of |

    @WEBHOOK-08
    Scenario Outline: A session id that only a careless search takes for this one is another session
      Given two accounts on instance 3003 with wrong rows, of which the first's session id has <others>, and the other's <characters> and is else the same
      When instance 3003 announces session_ready of the other account
      Then the other account's row is assigned to instance 3003
      And the first account's row was not written

      Examples:
        | characters                           | others                         |
        | a blank at its end                   | no blank at its end            |
        | no blank at its end                  | a blank at its end             |
        | a blank at its beginning             | no blank at its beginning      |
        | a percent sign                       | letters for the percent sign   |
        | a plus sign                          | a blank for the plus sign      |
        | an encoded slash                     | a slash                        |
        | accents                              | no accents                     |
        | decomposed accents                   | accents                        |
        | a fraction of zero behind the digits | digits alone                   |
        | 255 characters                       | another one as its last of 255 |

    @WEBHOOK-08
    Scenario: A session is known by its id, not by its workspace and phone number
      Given two accounts of one workspace and phone number, both on instance 3003 and with wrong rows
      When instance 3003 announces session_ready of the other account
      Then the other account's row is assigned to instance 3003
      And the first account's row was not written
