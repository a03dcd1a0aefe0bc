Feature: The window for timestamps is the one that was set

  Rule: SIGNATURE_TTL is in force

    @AUTH-12
    Scenario Outline: Webhooks are judged by the window that was set
      Given the implementation was launched with a signature window of <seconds> seconds
      And an account whose session lives on instance 3002
      When webhooks are signed inside and outside the window
      Then what is inside the window is accepted, and what is outside is refused with status 401

      Examples:
        | seconds |
        | 60      |
        | 900     |
