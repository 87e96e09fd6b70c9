package vlogs

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/jsonscan"

	"github.com/cespare/xxhash/v2"
)

// VictoriaLogs finds words of letters, digits and underscores exactly as
// written. Searches ignore case, and underscores end words. A word that is all
// lower or all upper case is found by searching for both forms; all other words
// are stored again in the column _words, in lower case and split at
// underscores. Words so common that no one searches for them are not stored,
// and not asked for.

// common are keys and values of nearly every record, in lower case.
var common = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`eventVersion userIdentity principalId accountId accessKeyId userName sessionContext sessionIssuer
		webIdFederationData attributes mfaAuthenticated creationDate eventTime eventSource eventName awsRegion sourceIPAddress userAgent
		requestParameters responseElements additionalEventData requestID eventID readOnly eventType AwsApiCall managementEvent eventCategory
		Management recipientAccountId sharedEventID vpcEndpointId vpcEndpointAccountId tlsDetails tlsVersion cipherSuite clientProvidedHostHeader TLSv1
		AssumedRole IAMUser AWSService invokedBy resources errorCode errorMessage serviceEventDetails apiVersion sessionCredentialFromConsole
		SignatureVersion SigV4 CipherSuite bytesTransferredIn bytesTransferredOut AuthenticationMethod AuthHeader bucketName Host accountID
		AES_128_GCM_SHA256 AES_256_GCM_SHA384 tls_aes_128_gcm_sha256 x86_64 exec-env Linux Boto3 Botocore maxResults nextToken roleArn roleSessionName
		durationSeconds filterSet instancesSet items AmazonEC2 aws-cli Python md ua os lang api cfg retry-mode AWS_Lambda_python3 exe prompt command`) {
		for _, p := range strings.FieldsFunc(strings.ToLower(w), func(r rune) bool { return r == '_' || r == '-' }) {
			m[p] = true
		}
		m[strings.ToLower(w)] = true
	}
	return m
}()

func wordByte(c byte) bool {
	return c == '_' || c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}

// wordKind holds flags that classify a byte of a word.
var wordKind = func() (t [256]uint8) {
	for c := range t {
		switch c := byte(c); {
		case c == '_':
			t[c] = under
		case c >= 'A' && c <= 'Z':
			t[c] = upper
		case c >= 'a' && c <= 'z':
			t[c] = lower
		case wordByte(c):
			t[c] = other
		}
	}
	return t
}()

const (
	upper = 1 << iota
	lower
	under
	other
)

// wordList collects the content of the column _words for a record.
type wordList struct {
	out  []byte
	low  []byte
	seen []span // hash table of the words in out; to = 0 is free
	n    int    // used slots in seen
}

// wordSlots is the size of seen for an ordinary record.
const wordSlots = 256

// span is a word in out.
type span struct{ from, to int32 }

// slot returns the slot of w in seen: where it is, or where it belongs.
func (x *wordList) slot(w []byte) *span {
	for h := xxhash.Sum64(w); ; h++ {
		s := &x.seen[h&uint64(len(x.seen)-1)]
		if s.to == 0 || bytes.Equal(x.out[s.from:s.to], w) {
			return s
		}
	}
}

func (x *wordList) grow() {
	old := x.seen
	x.seen = make([]span, 2*len(old))
	for _, s := range old {
		if s.to > 0 {
			*x.slot(x.out[s.from:s.to]) = s
		}
	}
}

// of returns the words of a record. They are valid until the next call.
func (x *wordList) of(raw []byte) []byte {
	x.out, x.n = x.out[:0], 0
	if len(x.seen) != wordSlots {
		x.seen = make([]span, wordSlots)
	}
	clear(x.seen)
	for i := 0; i < len(raw); {
		kind := wordKind[raw[i]]
		if kind == 0 {
			i++
			continue
		}
		start := i
		for i++; i < len(raw) && wordKind[raw[i]] != 0; i++ {
			kind |= wordKind[raw[i]]
		}
		if kind&under != 0 || kind&(upper|lower) == upper|lower || kind&other != 0 && bytes.ContainsAny(raw[start:i], smallASCII) {
			x.add(raw[start:i])
		}
	}
	if bytes.IndexByte(raw, '\\') >= 0 {
		x.escaped(raw)
	}
	return x.out
}

// smallASCII are the letters outside ASCII whose lower case is ASCII.
const smallASCII = "\u0130\u212a"

// add adds the parts of a word between underscores, with ASCII letters in lower
// case.
func (x *wordList) add(word []byte) {
	x.low = x.low[:0]
	if (bytes.IndexByte(word, smallASCII[0]) >= 0 || bytes.IndexByte(word, smallASCII[2]) >= 0) && bytes.ContainsAny(word, smallASCII) {
		word = bytes.ReplaceAll(bytes.ReplaceAll(word, []byte("\u0130"), []byte("i")), []byte("\u212a"), []byte("k"))
	}
	for _, c := range word {
		switch wordKind[c] {
		case under:
			x.put(x.low)
			x.low = x.low[:0]
			continue
		case upper:
			c |= 0x20
		}
		x.low = append(x.low, c)
	}
	x.put(x.low)
}

func (x *wordList) put(w []byte) {
	if len(w) == 0 || common[string(w)] {
		return
	}
	s := x.slot(w)
	if s.to > 0 {
		return
	}
	if len(x.out) > 0 {
		x.out = append(x.out, ' ')
	}
	s.from = int32(len(x.out))
	x.out = append(x.out, w...)
	s.to = int32(len(x.out))
	if x.n++; 2*x.n > len(x.seen) {
		x.grow()
	}
}

// escaped adds all words of strings that contain escapes, in their decoded
// form.
func (x *wordList) escaped(raw []byte) {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '"' {
			continue
		}
		end, err := jsonscan.SkipString(raw, i)
		if err != nil {
			return
		}
		if bytes.IndexByte(raw[i:end], '\\') >= 0 {
			text := jsonscan.Text(raw[i:end])
			for j := 0; j < len(text); j++ {
				start := j
				for j < len(text) && wordKind[text[j]] != 0 {
					j++
				}
				if j > start {
					x.add([]byte(text[start:j]))
				}
			}
		}
		i = end - 1
	}
}

// notWord reports whether a character of a search ends a word.
func notWord(r rune) bool { return r < 0x80 && (filter.IsBreaker(byte(r)) || !wordByte(byte(r))) }

// wordFilter returns a filter that every record matches that contains the whole
// words of text; "" if it requires nothing. Parts next to a * are not whole
// words; with prefix, the last of them is searched for as the beginning of a
// word.
func wordFilter(text string, prefix bool) string {
	type sought struct {
		word   string
		prefix bool
	}
	var list []sought
	runs := strings.Split(text, "*")
	for n, run := range runs {
		words := strings.FieldsFunc(run, notWord)
		for k, w := range words {
			openLeft := n > 0 && k == 0 && strings.HasPrefix(run, w)
			openRight := n < len(runs)-1 && k == len(words)-1 && strings.HasSuffix(run, w)
			switch {
			case openLeft, openRight && !prefix, !ascii(w), common[strings.ToLower(w)], len(w) > 200:
				continue
			case openRight && len(w) < 3:
				continue
			case openRight && slices.ContainsFunc(commonList, func(c string) bool { return strings.HasPrefix(c, strings.ToLower(w)) }):
				continue
			}
			list = append(list, sought{w, openRight})
		}
	}
	// Long words are the rare ones: once they rule a block out, the others are
	// not looked up.
	slices.SortStableFunc(list, func(a, b sought) int { return len(b.word) - len(a.word) })
	var parts []string
	for i, s := range list {
		if i == 0 || len(s.word) > 2 {
			parts = append(parts, wordIn(s.word, s.prefix))
		}
	}
	return strings.Join(parts, " ")
}

var commonList = func() []string {
	var list []string
	for w := range common {
		list = append(list, w)
	}
	return list
}()

func wordIn(w string, prefix bool) string {
	star := ""
	if prefix {
		star = "*"
	}
	lower, upper := strings.ToLower(w), strings.ToUpper(w)
	alternatives := []string{rawColumn + ":" + strconv.Quote(lower) + star}
	if upper != lower {
		alternatives = append(alternatives, rawColumn+":"+strconv.Quote(upper)+star)
	}
	alternatives = append(alternatives, wordsColumn+":"+strconv.Quote(lower)+star)
	return "(" + strings.Join(alternatives, " or ") + ")"
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
