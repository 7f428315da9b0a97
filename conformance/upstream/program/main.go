// Asks the upstream Kubernetes authorizer, for comparison with ours: reads frames from standard input and answers each
// on standard output. Decides nothing itself. It is compiled inside the tree of the distribution's source package
// `kubernetes`, because what it asks is no library.
//
// A frame is a byte that names the command, a length (32 bits, little end first) and so many bytes. An answer is a byte
// (0: done, 1: the rest is a message about what is wrong), a length and so many bytes. The end of the input ends the
// program.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// Commands, each with what follows it and what is answered.
const (
	loadPolicy    = 'P' // a policy as JSON; nothing
	weighPolicy   = 'W' // a policy as JSON; nanoseconds to build it and bytes that it holds, 64 bits each
	authorize     = 'A' // requests; a byte for each: 1 for allowed
	keepRequests  = 'K' // requests to measure with; nothing
	measure       = 'M' // first request, how many, how many in one sample, 32 bits each; nanoseconds a sample, 64 bits
	changeBinding = 'C' // a policy whose bindings replace those of the same name; nanoseconds for each, 64 bits
	readClock     = 'T' // nothing; what reading the clock twice takes, many times, as nanoseconds, 64 bits each
	cover         = 'V' // pairs of rules as JSON: owned, wanted; a byte for each: 1 for covered
)

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	server := &server{}
	for {
		command, payload, err := readFrame(in)
		if err == io.EOF {
			return
		}
		if err == nil {
			err = server.answer(out, command, payload)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "the upstream authorizer's program:", err)
			os.Exit(1)
		}
	}
}

func readFrame(in *bufio.Reader) (byte, []byte, error) {
	command, err := in.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	var length uint32
	if err := binary.Read(in, binary.LittleEndian, &length); err != nil {
		return 0, nil, fmt.Errorf("a frame ends after its command: %v", err)
	}
	payload := make([]byte, length)
	if _, err := io.ReadFull(in, payload); err != nil {
		return 0, nil, fmt.Errorf("a frame ends before its %d bytes: %v", length, err)
	}
	return command, payload, nil
}

// The policy that was loaded last, and the requests to measure with.
type server struct {
	policy *policy
	kept   []attributes
}

func (s *server) answer(out *bufio.Writer, command byte, payload []byte) error {
	status := byte(0)
	body, err := s.run(command, payload)
	if err != nil {
		status, body = 1, []byte(err.Error())
	}
	if err := out.WriteByte(status); err != nil {
		return err
	}
	if err := binary.Write(out, binary.LittleEndian, uint32(len(body))); err != nil {
		return err
	}
	if _, err := out.Write(body); err != nil {
		return err
	}
	return out.Flush()
}

func (s *server) run(command byte, payload []byte) ([]byte, error) {
	if s.policy == nil && (command == authorize || command == measure || command == changeBinding) {
		return nil, fmt.Errorf("command %q needs a policy first", command)
	}
	switch command {
	case loadPolicy:
		policy, err := parsePolicy(payload)
		s.policy = policy
		return nil, err
	case weighPolicy:
		return s.weigh(payload)
	case authorize:
		requests, err := parseRequests(payload)
		if err != nil {
			return nil, err
		}
		verdicts := make([]byte, len(requests))
		for index := range requests {
			if s.policy.allowsAnybody(&requests[index]) {
				verdicts[index] = 1
			}
		}
		return verdicts, nil
	case keepRequests:
		requests, err := parseRequests(payload)
		s.kept = requests
		return nil, err
	case measure:
		return s.measure(payload)
	case changeBinding:
		return s.change(payload)
	case readClock:
		return readings(), nil
	case cover:
		return covers(payload)
	default:
		return nil, fmt.Errorf("no command %q", command)
	}
}
