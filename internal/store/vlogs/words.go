package vlogs

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/jsonscan"
	"bluetrail/internal/spl"
)

// VictoriaLogs finds words of letters, digits and underscores as they are
// written. Searches find them in any case, and underscores end words. A word
// that is all small or all capital letters is found by asking for both; all
// others are kept a second time in the column _words: in small letters, cut at
// underscores. Words so common that no one looks for them are left out, and are
// not asked for.

// common are keys and values of nearly every record, in small letters.
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

// wordList gathers what the column _words holds for a record.
type wordList struct {
	out  []byte
	seen map[string]bool
	low  []byte
}

func (x *wordList) of(raw []byte) []byte {
	x.out = x.out[:0]
	if x.seen == nil {
		x.seen = map[string]bool{}
	}
	clear(x.seen)
	for i := 0; i < len(raw); {
		if !wordByte(raw[i]) {
			i++
			continue
		}
		start, upper, lower, under := i, false, false, false
		for i < len(raw) && wordByte(raw[i]) {
			switch c := raw[i]; {
			case c == '_':
				under = true
			case c >= 'A' && c <= 'Z':
				upper = true
			case c >= 'a' && c <= 'z':
				lower = true
			}
			i++
		}
		if upper && lower || under {
			x.add(raw[start:i], under)
		}
	}
	if bytes.IndexByte(raw, '\\') >= 0 {
		x.escaped(raw)
	}
	return x.out
}

func (x *wordList) add(word []byte, under bool) {
	x.low = x.low[:0]
	for _, c := range word {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		x.low = append(x.low, c)
	}
	if under {
		for _, part := range bytes.Split(x.low, []byte{'_'}) {
			x.put(part)
		}
		return
	}
	x.put(x.low)
}

func (x *wordList) put(w []byte) {
	if len(w) == 0 || common[string(w)] || x.seen[string(w)] {
		return
	}
	x.seen[string(w)] = true
	if len(x.out) > 0 {
		x.out = append(x.out, ' ')
	}
	x.out = append(x.out, w...)
}

// escaped adds all words of the strings that are written with escapes, as they
// read.
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
			text := []byte(jsonscan.Text(raw[i:end]))
			for j := 0; j < len(text); {
				if !wordByte(text[j]) {
					j++
					continue
				}
				start := j
				for j < len(text) && wordByte(text[j]) {
					j++
				}
				x.add(bytes.Clone(text[start:j]), true)
			}
		}
		i = end - 1
	}
}

// notWord reports whether a character of a search ends a word.
func notWord(r rune) bool { return r < 0x80 && (spl.IsBreaker(byte(r)) || !wordByte(byte(r))) }

// wordFilter returns a filter that every record matches which holds text as
// whole words; "" when it asks for nothing. Parts next to a * are no whole
// words; with prefix the last of them is looked for as the beginning of one.
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
	// Long words are the rare ones: once they have ruled a block out, the others
	// are not looked for.
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
