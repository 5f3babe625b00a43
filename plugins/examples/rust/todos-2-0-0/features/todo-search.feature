Feature: Todos can be searched
  The index is filled while version 2.0.0 is serving already; the todos stay as they are.

  Background:
    Given the app is at version "1.0.0"

  Scenario: The words of every title are in the index
    Given the collection "todos" with:
      | _id    | title                    | done  |
      | t-0001 | Buy milk and bread       | false |
      | t-0002 | Call Zoë about the café  | true  |
    When version "2.0.0" is deployed
    Then the collection "todo-search" contains:
      | _id    | words                                  |
      | t-0001 | ["and", "bread", "buy", "milk"]        |
      | t-0002 | ["about", "café", "call", "the", "zoë"] |
    And the collection "todos" is unchanged
    And no item fails

  Scenario: A todo without a title is left out of the index
    Given the collection "todos" with:
      """
      {"_id": "t-0001", "title": "Buy milk"}
      {"_id": "t-0002", "done": true}
      """
    When the migration runs
    Then the item "t-0002" of "todos" fails with "title"
    And the collection "todo-search" contains:
      """
      {"_id": "t-0001", "words": ["buy", "milk"]}
      """
    And the collection "todos" is unchanged

  Scenario Outline: Words are what is between other characters
    Given the collection "todos" with:
      | _id | title   |
      | a   | <title> |
    When the migration runs
    Then the collection "todo-search" contains:
      | _id | words   |
      | a   | <words> |

    Examples:
      | title         | words                |
      | Öl, oil & OIL | ["oil", "öl"]        |
      | 2 + 2 = 4     | ["2", "4"]           |
      | …             | []                   |
