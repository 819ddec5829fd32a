/* Socket.IO with its Redis adapter: whoever is at one side of a pair gets what the other side says, on any node.
   Usage: node socketio.mjs REDIS-SOCKET PORT */
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [path, port] = process.argv.slice(2);
const publisher = createClient({ socket: { path } });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer();
const io = new Server(http, {
  adapter: createAdapter(publisher, subscriber),
  transports: ["websocket"],
  serveClient: false,
});
io.on("connection", (socket) => {
  const { pair, side } = socket.handshake.query;
  socket.join(`${pair}/${side}`);
  const other = `${pair}/${1 - Number(side)}`;
  socket.on("say", (said) => io.to(other).emit("say", said));
});
http.listen(Number(port), "127.0.0.1");
