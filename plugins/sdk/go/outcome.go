package godwit

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Outcome is what became of one item: [Unchanged], [Removed], or what [Updated] or [UpdatedBytes] made. That an item
// can't be migrated is said with an error instead.
type Outcome interface {
	// appendTo appends the new body, if there is one.
	appendTo(payloads []byte) ([]byte, kind, error)
}

// Updated is the outcome that the item has a new body, a value printed as JSON: nil, a bool, a string, a number (a
// [Number] or one of Go's own), a []any, an [*Object], or a [encoding/json/jsontext.Value] as it is. The host compares:
// a body that says the same as the old one counts as unchanged.
func Updated(value any) Outcome {
	return updatedValue{value}
}

// UpdatedBytes is the outcome that the item has a new body, as it is.
func UpdatedBytes(body []byte) Outcome {
	return updatedBytes(body)
}

var (
	// Unchanged is the outcome that the item already has the shape that the step produces.
	Unchanged Outcome = unchanged
	// Removed is the outcome that the item is to be deleted.
	Removed Outcome = removed
)

// kind is an outcome's number in the contract.
type kind uint8

const (
	unchanged kind = iota
	updated
	removed
	failed
)

func (k kind) appendTo(payloads []byte) ([]byte, kind, error) {
	return payloads, k, nil
}

type updatedValue struct{ value any }

func (u updatedValue) appendTo(payloads []byte) ([]byte, kind, error) {
	payloads, err := appendValue(payloads, u.value)
	return payloads, updated, err
}

type updatedBytes []byte

func (u updatedBytes) appendTo(payloads []byte) ([]byte, kind, error) {
	return append(payloads, u...), updated, nil
}

// outcomes are those of a batch, laid out as they cross the boundary.
type outcomes struct {
	kinds    []kind
	payloads []byte
	ends     []uint32
}

// migrate gives one outcome for each item, in the same order.
func (s *Step) migrate(batch []Item) outcomes {
	bytes := 0
	for _, item := range batch {
		bytes += len(item.Body)
	}
	all := outcomes{
		kinds:    make([]kind, 0, len(batch)),
		payloads: make([]byte, 0, bytes+bytes/8),
		ends:     make([]uint32, 0, len(batch)),
	}
	if err := s.prepare(batch); err != nil {
		if len(batch) > 1 {
			os.Exit(1) // the host halves a batch that ends the sandbox
		}
		all.add(all.payloads, failed, err)
		return all
	}
	for i := range batch {
		all.add(s.migrateItem(&batch[i], all.payloads))
	}
	return all
}

// add settles one item: payloads are those until now and the item's own, if it has one.
func (o *outcomes) add(payloads []byte, what kind, err error) {
	if err != nil {
		what = failed
		payloads = append(o.payloads, validText(err.Error())...)
	}
	o.kinds = append(o.kinds, what)
	o.payloads = payloads
	o.ends = append(o.ends, uint32(len(payloads)))
}

// prepare does what the migration wants done once a batch.
func (s *Step) prepare(batch []Item) (err error) {
	if s.Batch == nil {
		return nil
	}
	context := &Context{}
	defer recoverInto(&err, context)
	return s.Batch(context, batch)
}

// migrateItem appends the new body of one item to payloads, if it has one. No panic leaves it.
func (s *Step) migrateItem(item *Item, payloads []byte) (_ []byte, _ kind, err error) {
	context := &Context{item: item}
	defer recoverInto(&err, context)
	outcome, err := s.Migrate(context, item)
	if err != nil {
		return payloads, failed, err
	}
	if outcome == nil {
		return payloads, failed, errors.New("the migration gave neither an outcome nor an error")
	}
	return outcome.appendTo(payloads)
}

// recoverInto makes an error of a panic, and tells the operator where it came from.
func recoverInto(err *error, context *Context) {
	if value := recover(); value != nil {
		*err = fmt.Errorf("panic: %v", value)
		context.Errorf("%v, in %s", *err, origin())
	}
}

// origin is where the panic came from that is being recovered: below the runtime's own frames.
func origin() string {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "runtime.") || !more {
			return fmt.Sprintf("%s:%d", frame.File, frame.Line)
		}
	}
}
