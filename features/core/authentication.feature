Feature: Only the gateway may send webhooks

  Background:
    Given an account whose session lives on instance 3002
    And its row is assigned to instance 3001

  Rule: A correct signature is accepted

    @AUTH-01
    Scenario: A correctly signed webhook is accepted and acted upon
      When instance 3002 announces session_ready
      Then the webhook is accepted
      And the row is assigned to instance 3002

    @AUTH-01
    Scenario Outline: A clock that is a little off is no reason to refuse
      When instance 3002 announces session_ready signed <seconds> seconds <direction>
      Then the webhook is accepted

      Examples:
        | seconds | direction |
        | 280     | ago       |
        | 280     | ahead     |

  Rule: What is not signed is refused

    @AUTH-02
    Scenario Outline: A webhook that lacks a security header changes nothing
      When instance 3002 announces session_ready with <flaw>
      Then the webhook is refused with status 401
      And the row was not written

      Examples:
        | flaw               |
        | no signature       |
        | an empty signature |
        | no timestamp       |
        | neither            |

  Rule: What is signed wrongly is refused

    @AUTH-03
    Scenario Outline: A webhook whose signature does not fit changes nothing
      When instance 3002 announces session_ready with <flaw>
      Then the webhook is refused with status 401
      And the row was not written

      Examples:
        | flaw                    |
        | the wrong secret        |
        | its first digit flipped |
        | its last digit flipped  |
        | half a signature        |
        | a digit too many        |
        | a sha256= prefix        |
        | another body            |
        | other spacing           |
        | another timestamp       |

  Rule: What is too old is refused

    @AUTH-04
    Scenario Outline: A webhook older than the window changes nothing
      When instance 3002 announces session_ready signed <seconds> seconds ago
      Then the webhook is refused with status 401
      And the row was not written

      Examples:
        | seconds |
        | 310     |
        | 86400   |
