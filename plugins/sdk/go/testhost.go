//go:build !wasip1

package godwit

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
)

// TestHost is a host in memory, so that migrations are tested natively with plain `go test`.
//
// It keeps the real one's promises: a step reaches only the collections that it asked for, and what a failing item
// wrote is dropped. Items are fed one by one. The zero value is ready to use.
type TestHost struct {
	// Run is what [Context.Run] tells.
	Run Run
	// Failures are the reasons why items failed, by id.
	Failures map[string]string

	collections map[string]map[string]string
	step        *Step
	item        string
}

// Put creates or replaces a document.
func (h *TestHost) Put(collection, id, body string) {
	if h.collections == nil {
		h.collections = map[string]map[string]string{}
	}
	if h.collections[collection] == nil {
		h.collections[collection] = map[string]string{}
	}
	h.collections[collection][id] = body
}

// Get is the body of a document, or "" where there is none.
func (h *TestHost) Get(collection, id string) string {
	return h.collections[collection][id]
}

// IDs are the ids of a collection, in order.
func (h *TestHost) IDs(collection string) []string {
	return slices.Sorted(maps.Keys(h.collections[collection]))
}

// Migrate feeds every step the items of its collection.
func (h *TestHost) Migrate(migration Migration) {
	current.mutex.Lock()
	defer current.mutex.Unlock()
	current.host = h
	h.Failures = map[string]string{}
	for i := range migration.Steps {
		h.step = &migration.Steps[i]
		for _, h.item = range h.IDs(h.step.Collection) {
			h.migrateItem()
		}
	}
}

func (h *TestHost) migrateItem() {
	before := map[string]map[string]string{}
	for name, items := range h.collections {
		before[name] = maps.Clone(items)
	}
	collection := h.step.Collection
	all := h.step.migrate([]Item{{ID: h.item, Body: []byte(h.Get(collection, h.item))}})
	switch payload := string(all.payloads); all.kinds[0] {
	case updated:
		h.Put(collection, h.item, payload)
	case removed:
		delete(h.collections[collection], h.item)
	case failed:
		h.collections = before
		h.Failures[h.item] = payload
	}
}

// current is the host of the migration that is under way: one at a time.
var current struct {
	mutex sync.Mutex
	host  *TestHost
}

// allow tells whether the step asked for a collection.
func (h *TestHost) allow(collection string, toWrite bool) error {
	if slices.Contains(h.step.Writes, collection) || !toWrite && slices.Contains(h.step.Reads, collection) {
		return nil
	}
	return &AccessError{Reason: Denied, Collection: collection}
}

func getDocument(collection, id string) (body []byte, found bool, err error) {
	if err := current.host.allow(collection, false); err != nil {
		return nil, false, err
	}
	text, found := current.host.collections[collection][id]
	return []byte(text), found, nil
}

func scanDocuments(collection string, after *string, limit uint32) ([]Item, error) {
	if err := current.host.allow(collection, false); err != nil {
		return nil, err
	}
	var page []Item
	for _, id := range current.host.IDs(collection) {
		if (after == nil || id > *after) && len(page) < int(limit) {
			page = append(page, Item{ID: id, Body: []byte(current.host.Get(collection, id))})
		}
	}
	return page, nil
}

func putDocument(collection, id string, body []byte) error {
	if err := current.host.allow(collection, true); err != nil {
		return err
	}
	if collection == current.host.step.Collection && id == current.host.item {
		return &AccessError{Invalid, collection, "the item that is being migrated is changed by its outcome only"}
	}
	current.host.Put(collection, id, string(body))
	return nil
}

func deleteDocument(collection, id string) error {
	if err := current.host.allow(collection, true); err != nil {
		return err
	}
	delete(current.host.collections[collection], id)
	return nil
}

func currentRun() Run {
	return current.host.Run
}

func writeLine(level Level, line string, item *Item) {
	names := [...]string{"debug", "info", "warn", "error"}
	if item != nil {
		line = item.ID + ": " + line
	}
	fmt.Fprintf(os.Stderr, "%s: %s\n", names[level], line)
}
