package generate

import "cmp"

// kind is one kind of event: what a call of it looks like in the trail.
type kind struct {
	service  string // eventSource without .amazonaws.com
	name     string // eventName
	action   string // the permission it takes, if it is not called like the event
	prefix   string // the permission's service, if it is not called like the source
	version  string // eventVersion, 1.11 if empty
	read     bool
	global   bool   // delivered to us-east-1 alone
	category string // Management if empty
	typ      string // eventType, AwsApiCall if empty
	api      string // apiVersion, omitted if empty
	opaque   bool   // the service does not report tlsDetails
	host     string // clientProvidedHostHeader, service.region.amazonaws.com if empty

	request, response, additional, resources, details string // templates; additional, resources and details are left out if empty

	faults []fault

	parsed struct{ request, response, additional, resources, details, host template }
}

// fault is an error that calls of a kind answer with, rate times in a thousand.
type fault struct {
	code, message string
	rate          uint64
	kept          bool // the request is recorded all the same
	parsed        template
}

const hostS3 = "${bucket}.s3.${region}.amazonaws.com"

// compile parses the kind's templates and fills in what was left to default.
func (k *kind) compile() error {
	if k.prefix == "" {
		k.prefix = k.service
	}
	if k.action == "" {
		k.action = k.name
	}
	set := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	set(&k.version, "1.11")
	set(&k.category, "Management")
	set(&k.typ, "AwsApiCall")
	set(&k.request, "null")
	set(&k.response, "null")
	set(&k.host, k.service+".${region}.amazonaws.com")
	for _, t := range []struct {
		text string
		into *template
	}{
		{k.request, &k.parsed.request}, {k.response, &k.parsed.response}, {k.additional, &k.parsed.additional},
		{k.resources, &k.parsed.resources}, {k.details, &k.parsed.details}, {k.host, &k.parsed.host},
	} {
		var err error
		if *t.into, err = parseTemplate(t.text); err != nil {
			return err
		}
	}
	for i := range k.faults {
		var err error
		if k.faults[i].parsed, err = parseTemplate(k.faults[i].message); err != nil {
			return err
		}
	}
	return nil
}

// Salts of the values that every record has.
const (
	saltEvent = iota + 1
	saltRequest
	saltFault
	saltShared
	saltCipher
	saltEndpoint
	saltAgent
	saltKind
	saltActor
	saltSource
	saltTime
)

// eventID appends the eventID of the call.
func (c *call) eventID(b []byte) []byte { return appendUUID(b, mix(c.seed, saltEvent)) }

// requestID appends the requestID of the call.
func (c *call) requestID(b []byte) []byte {
	if c.kind.service == "s3" {
		return appendText(b, mix(c.origin(), saltRequest), 16, crockford32)
	}
	return appendUUID(b, mix(c.origin(), saltRequest))
}

// origin is the seed of what all accounts' records of the call share.
func (c *call) origin() uint64 { return cmp.Or(c.twin, c.seed) }

// record appends the call as CloudTrail writes it, compact and without a line
// end. The fields stand in the order of AWS's own records.
func (c *call) record(b []byte, failure *fault) []byte {
	k, a := c.kind, c.actor
	b = append(b, `{"eventVersion":"`...)
	b = append(b, k.version...)
	b = append(b, `","userIdentity":`...)
	b = a.identity(b, c)
	b = append(b, `,"eventTime":"`...)
	b = appendTime(b, c.time)
	b = append(b, `","eventSource":"`...)
	b = append(b, k.service...)
	b = append(b, `.amazonaws.com","eventName":"`...)
	b = append(b, k.name...)
	b = append(b, `","awsRegion":"`...)
	b = append(b, c.lane.region...)
	b = append(b, `","sourceIPAddress":"`...)
	b = append(b, c.source...)
	b = append(b, `","userAgent":"`...)
	b = append(b, c.agent...)
	b = append(b, '"')
	if failure != nil {
		if failure.code != "" {
			b = append(b, `,"errorCode":"`...)
			b = append(b, failure.code...)
			b = append(b, '"')
		}
		b = append(b, `,"errorMessage":"`...)
		b = failure.parsed.append(b, c)
		b = append(b, '"')
	}
	b = append(b, `,"requestParameters":`...)
	if failure == nil || failure.kept {
		b = k.parsed.request.append(b, c)
	} else {
		b = append(b, "null"...)
	}
	b = append(b, `,"responseElements":`...)
	if failure == nil || k.typ == typeSignIn {
		b = k.parsed.response.append(b, c)
	} else {
		b = append(b, "null"...)
	}
	if len(k.parsed.additional) > 0 {
		b = append(b, `,"additionalEventData":`...)
		b = k.parsed.additional.append(b, c)
	}
	if k.typ != typeSignIn && k.typ != typeServiceEvent {
		b = append(b, `,"requestID":"`...)
		b = append(c.requestID(b), '"')
	}
	b = append(b, `,"eventID":"`...)
	b = c.eventID(b)
	b = append(b, `","readOnly":`...)
	b = appendBool(b, k.read)
	if len(k.parsed.resources) > 0 {
		b = append(b, `,"resources":`...)
		b = k.parsed.resources.append(b, c)
	}
	b = append(b, `,"eventType":"`...)
	b = append(b, k.typ...)
	b = append(b, '"')
	if k.api != "" {
		b = append(b, `,"apiVersion":"`...)
		b = append(b, k.api...)
		b = append(b, '"')
	}
	b = append(b, `,"managementEvent":`...)
	b = appendBool(b, k.category == "Management")
	b = append(b, `,"recipientAccountId":"`...)
	b = append(b, c.lane.account.id...)
	b = append(b, '"')
	if a.shared || c.twin != 0 {
		b = append(b, `,"sharedEventID":"`...)
		b = appendUUID(b, mix(c.origin(), saltShared))
		b = append(b, '"')
	}
	if len(k.parsed.details) > 0 {
		b = append(b, `,"serviceEventDetails":`...)
		b = k.parsed.details.append(b, c)
	}
	if a.endpoint || k.category == categoryNetwork {
		things := c.lane.pools[poolVPCE]
		b = append(b, `,"vpcEndpointId":"`...)
		b = append(b, things[within(mix(c.seed, saltEndpoint), uint64(len(things)))]...)
		b = append(b, `","vpcEndpointAccountId":"`...)
		b = append(b, c.lane.account.id...)
		b = append(b, '"')
	}
	if c.addendum != "" {
		b = append(append(b, `,"addendum":`...), c.addendum...)
	}
	b = append(b, `,"eventCategory":"`...)
	b = append(b, k.category...)
	b = append(b, '"')
	if a.encrypted && !k.opaque {
		b = append(b, `,"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"`...)
		b = append(b, ciphers[mix(c.seed, saltCipher)>>62]...)
		b = append(b, `","clientProvidedHostHeader":"`...)
		b = k.parsed.host.append(b, c)
		// Some services say how the keys were agreed upon.
		if hashText(k.service)%8 == 0 {
			b = append(b, `","keyExchange":"`...)
			b = append(b, exchanges[hashText(c.agent)%uint64(len(exchanges))]...)
		}
		b = append(b, `"}`...)
	}
	if a.console && k.typ != typeSignIn {
		b = append(b, `,"sessionCredentialFromConsole":"true"`...)
	}
	return append(b, '}')
}

var ciphers = [4]string{"TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"}

// exchanges are the key exchanges that clients use, each its own.
var exchanges = [4]string{"X25519MLKEM768", "x25519", "x25519", "secp256r1"}

// lateAddendum is how CloudTrail marks an event that it delivers late.
const lateAddendum = `{"reason":"DELIVERY_DELAY"}`

// lateBy is how many slots late a delivery is from where on it is marked so.
const lateBy = 12

const (
	typeSignIn       = "AwsConsoleSignIn"
	typeServiceEvent = "AwsServiceEvent"
	typeEndpoint     = "AwsVpceEvent"
	typeMCP          = "AwsMcpEvent"
	categoryData     = "Data"
	categoryNetwork  = "NetworkActivity"
)

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, "true"...)
	}
	return append(b, "false"...)
}
