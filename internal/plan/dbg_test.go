package plan_test
import ("testing";"time";"bluetrail/internal/spl";"os";"fmt";"bufio")
func TestDbg(t *testing.T){
 f,_:=os.Open(os.Getenv("DBG")); if f==nil {t.Skip("no")}
 s:=bufio.NewScanner(f)
 for s.Scan(){
 env:=spl.NewEnv(time.Unix(1700000000,0).UTC())
 fmt.Println(">>",s.Text())
 st:=memoryStore(t,nil)
 c,r,err:=evaluate(s.Text(),st,env)
 fmt.Println(c,err,env.Warnings()); for _,x:=range r {fmt.Println("   ",x)}
 }}
