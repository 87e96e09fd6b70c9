package generate

import (
	"fmt"
	"strings"
)

// A pool is the things of one kind that exist in a lane; events name them again and again.
const (
	poolInstance = iota
	poolVolume
	poolSnapshot
	poolGroup
	poolSubnet
	poolVPC
	poolACL
	poolImage
	poolKey
	poolBucket
	poolFunction
	poolRole
	poolSecret
	poolTable
	poolQueue
	poolTopic
	poolLogGroup
	poolRepository
	poolStack
	poolUser
	poolCluster
	poolTarget
	poolVPCE
	poolCount
)

var products = strings.Fields(`booking timetable ticketing payments fleet crew cargo loyalty notify search
	pricing identity harbour weather manifest reporting invoice chat gateway audit-export`)

// furnish fills the lane's pools.
func (o *organisation) furnish(l *lane) {
	h := mix(o.seed, hashText("pool"), l.account.number, hashText(l.region))
	size := 6 + int(l.account.machines*l.share/40)
	fill := func(pool, n int, name func(i int, h uint64) string) {
		for i := range n {
			l.pools[pool] = append(l.pools[pool], name(i, mix(h, uint64(pool), uint64(i))))
		}
	}
	ids := func(pool, n int, prefix string) {
		fill(pool, n, func(_ int, h uint64) string { return string(appendHex([]byte(prefix), h, 17)) })
	}
	named := func(pool, n int, format string) {
		fill(pool, n, func(i int, h uint64) string {
			name := fmt.Sprintf(format, products[i%len(products)], l.account.name)
			if i >= len(products) {
				name += fmt.Sprint("-", i/len(products)+1)
			}
			return name
		})
	}
	ids(poolInstance, size*6, "i-")
	ids(poolVolume, size*9, "vol-")
	ids(poolSnapshot, size*6, "snap-")
	ids(poolGroup, size*2, "sg-")
	ids(poolSubnet, 9, "subnet-")
	ids(poolVPC, 3, "vpc-")
	ids(poolACL, 4, "acl-")
	ids(poolImage, 8, "ami-")
	ids(poolVPCE, 3, "vpce-")
	fill(poolKey, 4+size/2, func(_ int, h uint64) string { return string(appendUUID(nil, h)) })
	fill(poolBucket, 4+size, func(i int, h uint64) string {
		use := []string{"assets", "uploads", "logs", "exports", "backup", "artifacts"}[i%6]
		return fmt.Sprintf("nwf-%s-%s-%s-%s", products[i%len(products)], l.account.name, use, appendHex(nil, h, 6))
	})
	named(poolFunction, 4+size, "%s-%s-fn")
	named(poolRole, 4+size, "%s-%s-task")
	fill(poolSecret, 4+size/2, func(i int, h uint64) string {
		return fmt.Sprintf("%s/%s/database-%s", l.account.name, products[i%len(products)], appendText(nil, h, 6, base64Letters[:32]))
	})
	named(poolTable, 4+size/2, "%s-%s-events")
	named(poolQueue, 4+size/2, "%s-%s-inbox")
	named(poolTopic, 4+size/2, "%s-%s-alerts")
	named(poolLogGroup, 4+size, "/aws/lambda/%s-%s-fn")
	named(poolRepository, 4+size/2, "%s/%s")
	named(poolStack, 4+size/2, "%s-%s")
	named(poolUser, 8, "svc-%s-%s")
	named(poolCluster, 3, "%s-%s-eks")
	fill(poolTarget, 4+size/2, func(i int, h uint64) string {
		return fmt.Sprintf("%s-%s-tg/%s", products[i%len(products)], l.account.name, appendHex(nil, h, 16))
	})
}
