Feature: Four gateway instances are deployed, moved and restarted

  Rule: An instance that is restarted on another port names its new URL

    @INSTANCE-07
    Scenario: A session on an instance that has moved is announced with the new URL
      Given a session that is connected on instance 3003
      When instance 3003 is restarted on another port
      Then it names the URL of instance 3003

  Rule: The deployment check of the document holds, as far as the gateways have a part in it
    Only the gateways are judged. The sender hands over a message again if an instance declined it or was not there,
    and looks at what went out before it repeats one that got no answer. Finding the right instance is up to the
    control plane, and judged by the other profiles.

    @INSTANCE-08
    Scenario: Four instances on four ports are healthy
      When somebody looks at the health of each instance
      Then each of the four reports that it is healthy

    @INSTANCE-08
    Scenario: Restarts of one instance after another neither lose nor double a message
      When one instance after another is restarted while messages flow
      Then every message goes out once, none lost and none doubled
      And each of the four reports that it is healthy
