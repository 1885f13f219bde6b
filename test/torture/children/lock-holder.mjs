// Owns a program of somebody else that has a file open and locks it until it is told to let go.

import Database from 'better-sqlite3'

const { file, sql } = JSON.parse(process.argv[2])
const db = new Database(file)
db.exec(sql)
console.log('"locked"')
process.stdin.once('data', () => {
  db.close()
  process.exit(0)
})
