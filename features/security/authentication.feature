Feature: A webhook that is not authentic changes nothing

  Background:
    Given an account whose session lives on instance 3002
    And its row is assigned to instance 3001

  Rule: A timestamp from the future is refused

    @AUTH-05
    Scenario Outline: A timestamp further ahead than the window is refused
      When instance 3002 announces session_ready signed <seconds> seconds ahead
      Then the webhook is refused with status 401
      And the row was not written

      Examples:
        | seconds |
        | 330     |
        | 86400   |

  Rule: A timestamp that is no number is refused

    @AUTH-06
    Scenario Outline: A timestamp that is no number is refused, however well it is signed
      When instance 3002 announces session_ready at a moment that is <text>
      Then the webhook is refused with status 401
      And the row was not written

      Examples:
        | text             |
        | empty            |
        | a word           |
        | 1e3              |
        | now and a letter |
        | huge             |

  Rule: A header outside ASCII is refused

    @AUTH-13
    Scenario Outline: A timestamp with a character outside ASCII is refused, however well it is signed
      When instance 3002 announces session_ready at a moment that is <text>
      Then the webhook is refused with status 401
      And the row was not written

      Examples:
        | text                            |
        | now in Arabic digits            |
        | now in digits of full width     |
        | now behind a blank that is none |
        | now and an accent               |
        | superscript digits              |

    @AUTH-13
    Scenario Outline: A signature with a character outside ASCII is refused
      When instance 3002 announces session_ready with <flaw>
      Then the webhook is refused with status 401
      And the row was not written

      Examples:
        | flaw                                |
        | an accent for its first digit       |
        | an accent behind it                 |
        | 63 digits and a letter of two bytes |
        | digits of full width                |
        | an emoji                            |

  Rule: A signed body of the wrong shape is refused

    @AUTH-07
    Scenario Outline: A signed body of another shape is refused in good order
      When instance 3002 announces <body>, correctly signed
      Then the webhook is answered with an error below 500
      And the row was not written

      Examples:
        | body                |
        | no JSON at all      |
        | nothing             |
        | a list              |
        | null                |
        | a number            |
        | no data             |
        | data that is null   |
        | data that is text   |
        | data that is a list |

  Rule: A location needs no long body

    @AUTH-08
    Scenario Outline: A location in a body over the limit is refused without being processed
      When instance 3002 announces session_ready in a <framing> body over the limit
      Then the webhook is refused as too large
      And the row was not written

      Examples:
        | framing  |
        | declared |
        | chunked  |

    @AUTH-08
    Scenario Outline: A location in a body of almost 1 MiB is taken
      When instance 3002 announces session_ready in a <framing> body of almost 1 MiB
      Then the webhook is accepted
      And the row is assigned to instance 3002

      Examples:
        | framing  |
        | declared |
        | chunked  |

    @AUTH-08
    Scenario Outline: A long body of another event breaks nothing
      When instance 3002 announces message_received in a <framing> body over the limit
      Then the webhook is taken or refused, and nothing breaks
      And the row is still assigned to instance 3001

      Examples:
        | framing  |
        | declared |
        | chunked  |

  Rule: A captured webhook is not believed with another location

    @AUTH-09
    Scenario: A captured announcement with another location moves nothing while the session is where it was announced
      Given instance 3002 has announced session_ready
      And instance 3003 has a copy of the session that is connected
      When the very same webhook arrives again and names instance 3003
      Then the row is still assigned to instance 3002

  Rule: Secrets and signatures are never shown

    @AUTH-11
    Scenario: No secret and no signature appears in what is logged, answered or counted
      When webhooks and messages succeed and fail in many ways
      Then no secret and no signature is in the log, in an answer or in a metric

    @AUTH-11
    Scenario: No secret appears where only calls with the key tell which sessions there are
      Given every instance holds sessions of other tenants and answers in the deployed dialect
      When webhooks and messages succeed and fail in many ways
      Then no secret and no signature is in the log, in an answer or in a metric
