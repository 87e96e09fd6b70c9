package generate

import (
	"fmt"
	"slices"
	"sync"
)

// catalogue returns every kind of event by "service:eventName". It is compiled once.
var catalogue = sync.OnceValue(func() map[string]*kind {
	all := map[string]*kind{}
	reads, _ := scanReads()
	for _, kinds := range [][]kind{computeKinds, storageKinds, identityKinds, operationsKinds, changeKinds, reads} {
		for i := range kinds {
			k := &kinds[i]
			if err := k.compile(); err != nil {
				panic(err) // the templates are constants; a test compiles them all
			}
			name := k.service + ":" + k.name
			if all[name] != nil {
				panic("generate: two kinds are called " + name)
			}
			all[name] = k
		}
	}
	return all
})

func kindOf(name string) *kind {
	k := catalogue()[name]
	if k == nil {
		panic(fmt.Sprintf("generate: no kind of event is called %q", name))
	}
	return k
}

// use is how often, among an actor's calls, those of one kind come.
type use struct {
	kind   string
	weight uint64
}

// profile is what an actor does: its calls, and how many in a thousand are
// turned down for want of permission or for coming too fast.
type profile struct {
	name              string
	denied, throttled uint64
	uses              []use
}

// repertoire is a profile in one lane: events of global services happen in us-east-1 only.
type repertoire struct {
	kinds             []*kind
	upTo              []uint64 // running sums of the weights
	denied, throttled uint64
}

func (p *profile) in(l *lane) *repertoire {
	r := &repertoire{denied: p.denied, throttled: p.throttled}
	var sum uint64
	for _, u := range p.uses {
		k := kindOf(u.kind)
		if k.global && !l.global() {
			continue
		}
		sum += u.weight
		r.kinds = append(r.kinds, k)
		r.upTo = append(r.upTo, sum)
	}
	return r
}

func (r *repertoire) pick(h uint64) *kind {
	i, _ := slices.BinarySearch(r.upTo, within(h, r.upTo[len(r.upTo)-1])+1)
	return r.kinds[i]
}

var (
	deniedEC2 = mustFault("Client.UnauthorizedOperation", "You are not authorized to perform this operation. User: ${caller} is not authorized to perform: ${operation} on resource: arn:aws:ec2:${region}:${account}:* because no identity-based policy allows the ${operation} action. Encoded authorization failure message: ${opaque}", true)
	deniedAny = mustFault("AccessDenied", "User: ${caller} is not authorized to perform: ${operation} because no identity-based policy allows the ${operation} action", false)
	deniedS3  = mustFault("AccessDenied", "User: ${caller} is not authorized to perform: ${operation} on resource: \\\"arn:aws:s3:::${bucket}\\\" because no identity-based policy allows the ${operation} action", true)
	throttled = mustFault("ThrottlingException", "Rate exceeded", false)
	tooMany   = mustFault("Client.RequestLimitExceeded", "Request limit exceeded.", true)
)

func mustFault(code, message string, kept bool) *fault {
	t, err := parseTemplate(message)
	if err != nil {
		panic(err)
	}
	return &fault{code: code, message: message, kept: kept, parsed: t}
}

// failure decides whether a call of the kind fails, and how.
func (r *repertoire) failure(k *kind, h uint64) *fault {
	at := within(h, 1000)
	for i := range k.faults {
		if at < k.faults[i].rate {
			return &k.faults[i]
		}
		at -= k.faults[i].rate
	}
	if k.category == categoryNetwork || k.typ != "AwsApiCall" {
		return nil
	}
	if at < r.denied {
		switch k.service {
		case "ec2":
			return deniedEC2
		case "s3":
			return deniedS3
		}
		return deniedAny
	}
	if at < r.denied+r.throttled && k.service != "s3" {
		if k.service == "ec2" {
			return tooMany
		}
		return throttled
	}
	return nil
}
