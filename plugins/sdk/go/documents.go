package godwit

import "iter"

// Documents are the items of a collection, read and written beside the one that is being migrated.
//
// Writes are held back and committed together with the batch, or not at all; reads see them. A step must have asked for
// the collection in its Reads or Writes. Every error is an [*AccessError], or that of a value that can't be printed.
type Documents struct {
	collection string
}

// Get is one item, or nil where there is none.
func (d Documents) Get(id string) (*Item, error) {
	body, found, err := getDocument(d.collection, id)
	if err != nil || !found {
		return nil, err
	}
	return &Item{ID: id, Body: body}, nil
}

// All goes over the items in order of their ids, fetched page by page. It ends after the first error.
func (d Documents) All() iter.Seq2[Item, error] {
	return d.scan(nil)
}

// After goes over the items whose ids come after one, as All does.
func (d Documents) After(id string) iter.Seq2[Item, error] {
	return d.scan(&id)
}

// pageItems are asked for at once: enough to make crossings rare; the host bounds the bytes.
const pageItems = 256

func (d Documents) scan(after *string) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for after := after; ; {
			page, err := scanDocuments(d.collection, after, pageItems)
			if err != nil {
				yield(Item{}, err)
				return
			}
			if len(page) == 0 {
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
					return
				}
			}
			after = &page[len(page)-1].ID
		}
	}
}

// Put creates or replaces one item with a value printed as JSON, see [Updated]. The item that is being migrated is
// changed by its outcome only.
func (d Documents) Put(id string, value any) error {
	body, err := appendValue(nil, value)
	if err != nil {
		return err
	}
	return d.PutBytes(id, body)
}

// PutBytes creates or replaces one item with a body as it is.
func (d Documents) PutBytes(id string, body []byte) error {
	return putDocument(d.collection, id, body)
}

// Delete deletes one item; deleting what is not there is no error.
func (d Documents) Delete(id string) error {
	return deleteDocument(d.collection, id)
}

// AccessError says why a document can't be read or written.
type AccessError struct {
	// Reason is the kind of the error.
	Reason Reason
	// Collection is the one that was asked for.
	Collection string
	// Text names the limit, or says what is not valid; empty where access is denied.
	Text string
}

// Reason is a kind of [AccessError].
type Reason uint8

const (
	// Denied: the step did not ask for the collection, or the operator did not grant it.
	Denied Reason = iota
	// Limit: a limit of the sandbox was reached.
	Limit
	// Invalid: the id, the collection's name or the body is not valid.
	Invalid
)

// Error tells the operator what happened.
func (e *AccessError) Error() string {
	switch e.Reason {
	case Denied:
		return "access to collection `" + e.Collection + "` is denied"
	case Limit:
		return "a limit of the sandbox is reached: " + e.Text
	default:
		return "not valid: " + e.Text
	}
}
