package fn

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"

	"bluetrail/internal/vector"
)

func init() {
	digest("md5", `"6384e2b2184bcbf58eccf10ca7a6563c"`, func(b []byte) []byte { s := md5.Sum(b); return s[:] })
	digest("sha1", `"522b276a356bdf39013dfabea2cd43e141ecc9e8"`, func(b []byte) []byte { s := sha1.Sum(b); return s[:] })
	digest("sha256", `"2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90"`, func(b []byte) []byte { s := sha256.Sum256(b); return s[:] })
	digest("sha512", `"408b27d3097eea5a46bf2ab6433a7234a33d5e49957b13ec7acc2ca08e1a13c75272c90c8d3385d47ede5420a7a9623aad817d9f8a70bd100a0acea7400daa59"`, func(b []byte) []byte { s := sha512.Sum512(b); return s[:] })
}

// digest registers a function that returns a hash of the text in hexadecimal.
func digest(name, want string, sum func(b []byte) []byte) {
	function(cryptographic, name, name+"(<text>)", "The "+name+" of the text's UTF-8 bytes, in lower-case hexadecimal.", 1, 1, func(a []vector.Value) vector.Value {
		if a[0].IsNull() {
			return null
		}
		return vector.String(hex.EncodeToString(sum([]byte(a[0].Text()))))
	}, name+`("alice")`, want)
}
