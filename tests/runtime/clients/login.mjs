// Signs up, reads, and signs out, with one URL for all: node login.mjs URL KEY EMAIL
import { createClient } from "@supabase/supabase-js"

const [url, key, email] = process.argv.slice(2)
const supabase = createClient(url, key, { auth: { autoRefreshToken: false, persistSession: false } })

const signedUp = await supabase.auth.signUp({ email, password: "correct horse battery staple" })
const found = await supabase.auth.getUser()
const rows = await supabase.from("articles").select("id").order("id")
const signedOut = await supabase.auth.signOut()

console.log(JSON.stringify({
  user: signedUp.data.user?.id,
  found: found.data.user?.id,
  rows: rows.data,
  errors: [signedUp.error, found.error, rows.error, signedOut.error],
}))
