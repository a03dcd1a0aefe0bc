Feature: What an implementation cannot store changes nothing about what went out

  Rule: A message that went out is not denied because nothing could be noted of it

    @SEND-04
    Scenario: An account that is removed while its message goes out does not make it unsent
      Given an account whose session lives on instance 3002
      And someone removes the account before instance 3002 says that it sent the message
      When the user sends "hello" from the account
      Then instance 3002 delivers "hello" once
      And the message is posted once in all
      And the user is not told for certain that it was not sent
