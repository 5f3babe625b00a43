package godwit

import (
	"structs"
	"time"
	"unsafe"
)

// This file is the canonical ABI of the contract's `transform-columns` layout, by hand. Of the three layouts it costs
// Go least: the host's writes to Go's memory go through cabiRealloc, which is a call from outside with a goroutine of
// its own each time; columns take five for a batch, records two for an item.

// handed keeps blocks that the host writes to from being collected until they are taken over. Go does not move them.
var handed [][]uint64

// nowhere is the address of what is empty.
var nowhere uint64

//go:wasmexport cabi_realloc
func cabiRealloc(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	if size == 0 {
		return unsafe.Pointer(&nowhere)
	}
	block := make([]uint64, (uint64(size)+7)/8) // nothing in the contract asks for more than 8
	handed = append(handed, block)
	return unsafe.Pointer(unsafe.SliceData(block))
}

//go:wasmexport godwit:migration/description@1.0.0#describe
func exportDescribe() unsafe.Pointer {
	return lowerMigration(&exported)
}

// answer is what the host was given last: it reads it after the call has ended.
var answer struct {
	outcomes outcomes
	result   [6]uint32
}

//go:wasmexport godwit:migration/transform-columns@1.0.0#migrate
func exportMigrate(
	step unsafe.Pointer, stepLen uint32,
	ids unsafe.Pointer, idsLen uint32, idEnds unsafe.Pointer, idEndsLen uint32,
	bodies unsafe.Pointer, bodiesLen uint32, bodyEnds unsafe.Pointer, bodyEndsLen uint32,
) unsafe.Pointer {
	handed = nil
	batch := itemsOf(
		unsafe.String((*byte)(ids), idsLen), unsafe.Slice((*uint32)(idEnds), idEndsLen),
		unsafe.Slice((*byte)(bodies), bodiesLen), unsafe.Slice((*uint32)(bodyEnds), bodyEndsLen),
	)
	outcomes := exported.step(unsafe.String((*byte)(step), stepLen)).migrate(batch)
	answer.outcomes = outcomes
	answer.result = [6]uint32{
		address(outcomes.kinds), uint32(len(outcomes.kinds)),
		address(outcomes.payloads), uint32(len(outcomes.payloads)),
		address(outcomes.ends), uint32(len(outcomes.ends)),
	}
	return unsafe.Pointer(&answer.result)
}

// itemsOf cuts columns into items; nothing is copied.
func itemsOf(ids string, idEnds []uint32, bodies []byte, bodyEnds []uint32) []Item {
	batch := make([]Item, len(idEnds))
	var id, body uint32
	for i := range batch {
		batch[i] = Item{ID: ids[id:idEnds[i]], Body: bodies[body:bodyEnds[i]:bodyEnds[i]]}
		id, body = idEnds[i], bodyEnds[i]
	}
	return batch
}

// address is where a slice lies, as the host counts: Go's own pointers have 64 bits in memory.
func address[T any](slice []T) uint32 {
	if len(slice) == 0 {
		return uint32(uintptr(unsafe.Pointer(&nowhere)))
	}
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(slice))))
}

// described keeps the words of the descriptor.
var described [][]uint32

// lowerMigration lays a descriptor out. All of it is words: an option's tag takes one, and a phase and a mode share
// one.
func lowerMigration(m *Migration) unsafe.Pointer {
	described = nil
	var dependencies, steps []uint32
	for _, dependency := range m.DependsOn {
		dependencies = append(lowerString(dependencies, dependency.App), lowerString(nil, dependency.Versions)...)
	}
	for _, step := range m.Steps {
		steps = lowerString(steps, step.Name)
		steps = append(steps, uint32(step.Phase)|uint32(step.Mode)<<8)
		steps = lowerString(steps, step.Collection)
		steps = lowerList(steps, lowerStrings(step.Reads), len(step.Reads))
		steps = lowerList(steps, lowerStrings(step.Writes), len(step.Writes))
	}
	words := lowerString(lowerString(nil, m.App), m.Version)
	words = append(words, tag(m.Requires != ""))
	words = lowerString(words, m.Requires)
	words = lowerList(words, dependencies, len(m.DependsOn))
	words = lowerString(words, m.Summary)
	words = lowerList(words, steps, len(m.Steps))
	described = append(described, words)
	return unsafe.Pointer(unsafe.SliceData(words))
}

func lowerString(words []uint32, text string) []uint32 {
	return append(words, address(unsafe.Slice(unsafe.StringData(text), len(text))), uint32(len(text)))
}

func lowerStrings(texts []string) []uint32 {
	var words []uint32
	for _, text := range texts {
		words = lowerString(words, text)
	}
	return words
}

func lowerList(words, list []uint32, length int) []uint32 {
	described = append(described, list)
	return append(words, address(list), uint32(length))
}

func tag(there bool) uint32 {
	if there {
		return 1
	}
	return 0
}

//go:wasmimport godwit:migration/log@1.0.0 log
func importLog(level uint32, message string, hasItem uint32, item string)

//go:wasmimport godwit:migration/documents@1.0.0 get
func importGet(collection, id string, result *accessResult)

//go:wasmimport godwit:migration/documents@1.0.0 scan
func importScan(collection string, hasAfter uint32, after string, limit uint32, result *accessResult)

//go:wasmimport godwit:migration/documents@1.0.0 put
func importPut(collection, id string, body unsafe.Pointer, bodyLen uint32, result *accessResult)

//go:wasmimport godwit:migration/documents@1.0.0 delete
func importDelete(collection, id string, result *accessResult)

//go:wasmimport godwit:migration/run@1.0.0 current
func importCurrent(result *runResult)

// accessResult is a result of `documents`. What the words after the first mean depends on it: an error's reason and
// text, an option's tag and body, or a list.
type accessResult struct {
	_      structs.HostLayout
	failed uint32
	words  [3]uint32
}

// runResult is the record `context` of `run`.
type runResult struct {
	_         structs.HostLayout
	hasFrom   uint32
	from      uint32
	fromLen   uint32
	_         uint32
	startedAt uint64
	seed      uint64
}

// err is the error of a result, if it is one.
func (r *accessResult) err(collection string) error {
	if r.failed == 0 {
		return nil
	}
	err := &AccessError{Reason: Reason(r.words[0]), Collection: collection}
	if err.Reason != Denied {
		err.Text = string(taken(r.words[1], r.words[2]))
	}
	return err
}

// taken are bytes that the host wrote; they belong to Go from now on.
func taken(address, length uint32) []byte {
	return unsafe.Slice((*byte)(pointer(address)), length)
}

// pointer is what Go makes of an address.
func pointer(address uint32) unsafe.Pointer {
	return unsafe.Add(nil, address)
}

func writeLine(level Level, line string, item *Item) {
	if item == nil {
		importLog(uint32(level), line, 0, "")
		return
	}
	importLog(uint32(level), line, 1, item.ID)
}

func getDocument(collection, id string) (body []byte, found bool, err error) {
	defer release()
	var result accessResult
	importGet(collection, id, &result)
	if err := result.err(collection); err != nil || result.words[0] == 0 {
		return nil, false, err
	}
	return taken(result.words[1], result.words[2]), true, nil
}

func scanDocuments(collection string, after *string, limit uint32) ([]Item, error) {
	defer release()
	var result accessResult
	if after == nil {
		importScan(collection, 0, "", limit, &result)
	} else {
		importScan(collection, 1, *after, limit, &result)
	}
	if err := result.err(collection); err != nil {
		return nil, err
	}
	list := unsafe.Slice((*[4]uint32)(pointer(result.words[0])), result.words[1])
	page := make([]Item, len(list))
	for i, item := range list {
		page[i] = Item{ID: string(taken(item[0], item[1])), Body: taken(item[2], item[3])}
	}
	return page, nil
}

func putDocument(collection, id string, body []byte) error {
	defer release()
	var result accessResult
	importPut(collection, id, unsafe.Pointer(unsafe.SliceData(body)), uint32(len(body)), &result)
	return result.err(collection)
}

func deleteDocument(collection, id string) error {
	defer release()
	var result accessResult
	importDelete(collection, id, &result)
	return result.err(collection)
}

// release gives up what the host wrote: what is still needed has an owner by now.
func release() {
	handed = nil
}

func currentRun() Run {
	defer release()
	var result runResult
	importCurrent(&result)
	run := Run{StartedAt: time.UnixMilli(int64(result.startedAt)).UTC(), Seed: result.seed}
	if result.hasFrom != 0 {
		run.FromVersion = string(taken(result.from, result.fromLen))
	}
	return run
}
