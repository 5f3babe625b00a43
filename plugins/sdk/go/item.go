package godwit

import "fmt"

// Item is a stored document.
type Item struct {
	// ID names the item inside its collection.
	ID string
	// Body is exactly what is stored: JSON, unless the collection is opaque.
	Body []byte
}

// Value is the body as JSON, with all digits of its numbers and its members in their order: nil, a bool, a string, a
// [Number], a []any or an [*Object]. It shares nothing with the item, so that it may be changed.
//
// For a type of your own, use [encoding/json.Unmarshal] on the body.
func (i *Item) Value() (any, error) {
	value, err := parse(i.Body)
	if err != nil {
		return nil, fmt.Errorf("the body is not JSON: %w", err)
	}
	return value, nil
}
