// Measures the upstream authorizer in its own process, so that no figure holds the cost of talking to it.

package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Keeps verdicts that nobody reads from being optimised away.
var sink int

// weigh builds the policy of the payload and says how long that took and what it holds.
func (s *server) weigh(payload []byte) ([]byte, error) {
	s.policy, s.kept = nil, nil
	before := heap()
	var objects objects
	if err := json.Unmarshal(payload, &objects); err != nil {
		return nil, fmt.Errorf("the policy is no JSON of the right form: %v", err)
	}
	start := time.Now()
	policy, err := build(&objects)
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	after := heap()
	s.policy = policy
	return numbers([]uint64{uint64(took), uint64(after - before)}), nil
}

func heap() int64 {
	// Twice, because what has a finalizer goes at the second time.
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// measure decides kept requests and gives the nanoseconds of each sample, with what reading the clock costs.
func (s *server) measure(payload []byte) ([]byte, error) {
	if len(payload) != 12 || len(s.kept) == 0 {
		return nil, errors.New("measuring needs three numbers, and requests that were kept before")
	}
	first := int(binary.LittleEndian.Uint32(payload[0:]))
	count := int(binary.LittleEndian.Uint32(payload[4:]))
	batch := int(binary.LittleEndian.Uint32(payload[8:]))
	if batch == 0 {
		return nil, errors.New("a sample holds at least one request; its number is 0")
	}
	samples := make([]uint64, 0, count/batch)
	at := first % len(s.kept)
	for done := 0; done+batch <= count; done += batch {
		if batch == 1 {
			touch(&s.kept[at])
		}
		allowed := 0
		start := time.Now()
		for number := 0; number < batch; number++ {
			if s.policy.allows(&s.kept[at]) {
				allowed++
			}
			if at++; at == len(s.kept) {
				at = 0
			}
		}
		samples = append(samples, uint64(time.Since(start)))
		sink += allowed
	}
	return numbers(samples), nil
}

// touch brings a request into the cache, where one that was just parsed is.
func touch(request *attributes) {
	for _, text := range []string{
		request.User.GetName(), request.Verb, request.APIGroup, request.Resource, request.Name, request.Namespace,
	} {
		sink += read(text)
	}
	for _, group := range request.User.GetGroups() {
		sink += read(group)
	}
}

func read(text string) int {
	sum := 0
	for index := 0; index < len(text); index++ {
		sum += int(text[index])
	}
	return sum
}

func readings() []byte {
	samples := make([]uint64, 4096)
	for index := range samples {
		start := time.Now()
		samples[index] = uint64(time.Since(start))
	}
	return numbers(samples)
}

// change replaces bindings one by one, as a watch of the API server does.
func (s *server) change(payload []byte) ([]byte, error) {
	var objects objects
	if err := json.Unmarshal(payload, &objects); err != nil {
		return nil, fmt.Errorf("the bindings are no JSON of the right form: %v", err)
	}
	var samples []uint64
	for _, binding := range objects.RoleBindings {
		start := time.Now()
		if err := s.policy.roleBindings.Update(binding); err != nil {
			return nil, err
		}
		samples = append(samples, uint64(time.Since(start)))
	}
	for _, binding := range objects.ClusterRoleBindings {
		start := time.Now()
		if err := s.policy.clusterRoleBindings.Update(binding); err != nil {
			return nil, err
		}
		samples = append(samples, uint64(time.Since(start)))
	}
	return numbers(samples), nil
}

func numbers(values []uint64) []byte {
	bytes := make([]byte, 8*len(values))
	for index, value := range values {
		binary.LittleEndian.PutUint64(bytes[8*index:], value)
	}
	return bytes
}
