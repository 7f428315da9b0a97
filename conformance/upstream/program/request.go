// Reads requests from their compact form: thousands fit into one frame.
//
// A request is one byte (1: about a resource, 0: about a URL), then texts, each as its length (16 bits, little end first)
// and so many bytes: user, verb, group of the API, resource, subresource, name, namespace, path; then the number of groups
// (16 bits) and so many texts.

package main

import (
	"encoding/binary"
	"errors"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// What the API server hands to its authorizers.
type attributes = authorizer.AttributesRecord

var errShort = errors.New("a request ends before its last field")

func parseRequests(payload []byte) ([]attributes, error) {
	var requests []attributes
	reader := reader{rest: payload}
	for len(reader.rest) > 0 {
		request := attributes{ResourceRequest: reader.byte() == 1}
		name := reader.text()
		request.Verb = reader.text()
		request.APIGroup = reader.text()
		request.Resource = reader.text()
		request.Subresource = reader.text()
		request.Name = reader.text()
		request.Namespace = reader.text()
		request.Path = reader.text()
		groups := make([]string, reader.number())
		for index := range groups {
			groups[index] = reader.text()
		}
		request.User = &user.DefaultInfo{Name: name, Groups: groups}
		if reader.short {
			return nil, errShort
		}
		requests = append(requests, request)
	}
	return requests, nil
}

// Gives nothing once the bytes are used up, and remembers that.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) take(count int) []byte {
	if len(r.rest) < count {
		r.short, r.rest = true, nil
		return make([]byte, count)
	}
	taken := r.rest[:count]
	r.rest = r.rest[count:]
	return taken
}

func (r *reader) byte() byte   { return r.take(1)[0] }
func (r *reader) number() int  { return int(binary.LittleEndian.Uint16(r.take(2))) }
func (r *reader) text() string { return string(r.take(r.number())) }
