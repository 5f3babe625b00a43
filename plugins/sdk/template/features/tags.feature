Feature: Tags
  Scenario: Items without tags get none
    Given the collection "{{collection}}" with:
      | _id | text   | tags    |
      | a   | Grüezi |         |
      | b   | Sali   | ["new"] |
    When version "{{version}}" is deployed
    Then the collection "{{collection}}" contains:
      | _id | text   | tags    |
      | a   | Grüezi | []      |
      | b   | Sali   | ["new"] |
