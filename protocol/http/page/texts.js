// All texts of the page, in both languages, and the choice between them. Elements of index.html name theirs by data-t
// (their content), data-t-label (aria-label) and data-t-placeholder.

const TEXTS = {
  // [English, Chinese]
  skip: ['Skip to the content', '跳到内容'],
  parts: ['Parts of this page', '本页各部分'],
  live: ['Live', '实况'],
  library: ['Library', '文件库'],
  chat: ['Chat', '聊天'],
  compare: ['Compare', '比较'],
  language: ['Language', '语言'],

  liveTitle: ['Who serves whom, now', '此刻谁在为谁服务'],
  active: ['Connections', '连接数'],
  requests: ['Requests per second', '每秒请求数'],
  traffic: ['Bytes per second', '每秒字节数'],
  processor: ['Processor', '处理器'],
  memory: ['Memory', '内存'],
  most: ['at most {value}', '最高 {value}'],
  pictureOf: ['{processes} processes, {workers} of their threads serve {open} connections; {queued} clients wait to be accepted',
              '{processes} 个进程，其中 {workers} 个线程服务于 {open} 个连接；{queued} 个客户等待被接受'],
  listener: ['{service} · {address}', '{service} · {address}'],
  waitHere: ['{n} wait', '{n} 个在等待'],
  process: ['process {pid}', '进程 {pid}'],
  server: ['server', '服务器'],
  mainThread: ['main thread', '主线程'],
  thread: ['thread {tid}', '线程 {tid}'],
  noWorker: ['serves no client itself', '自身不服务客户'],
  andMore: ['and {n} more', '还有 {n} 个'],
  answersYou: ['answers this page', '正在应答本页'],
  queued: ['connected, not accepted', '已连接，未被接受'],
  waits: ['waits for its client', '等待客户'],
  works: ['works for it', '正在处理'],
  sends: ['sends to it', '正在发送'],
  closes: ['closes', '正在关闭'],
  browsersHide: ['Browsers hide concurrency: they ask for the same address only once at a time, so that two tabs wait for each other, and they open a second connection on which nothing comes. To try several clients, use curl, each in a terminal of its own.',
                 '浏览器会掩盖并发：同一个地址一次只请求一遍，两个标签页因此互相等待；它还会另开一个不发送任何数据的连接。要试验多个客户，请在各自的终端里使用 curl。'],
  connectionsTable: ['The connections as a table', '连接列表'],
  processesTable: ['Processes and threads as a table', '进程与线程列表'],
  service: ['Service', '服务'],
  peer: ['Client', '客户'],
  servedBy: ['Served by', '服务者'],
  doing: ['What happens', '状态'],
  age: ['Open for', '已打开'],
  received: ['Received', '已收'],
  unread: ['Unread', '未读'],
  sent: ['Sent', '已发'],
  unsent: ['Not taken yet', '对方未取'],
  answered: ['Requests', '请求数'],
  name: ['Name', '名称'],
  open: ['Connections', '连接数'],
  cpuTime: ['Processor time', '处理器时间'],
  unlisted: ['{n} more are open: of UDP, or more than this list holds.', '另有 {n} 个连接未列出：UDP，或超出列表长度。'],
  rawFigures: ['The same figures for programs:', '供程序读取的同样数据：'],
  waitingNow: ['This page waits for the server: {time} so far.', '本页正在等待服务器：已 {time}。'],
  hadToWait: ['This page had to wait {time} for its last answer.', '上一次应答让本页等待了 {time}。'],
  whyLoop: ['One client after the other: while another one is served, this page stands in the queue like everybody else.',
            '一个接一个：服务别的客户时，本页和大家一样排队。'],
  whyPool: ['All workers had a client, so this page stood in the queue until one was free.',
            '所有工作者都有客户，本页只能排队，直到有一个空闲。'],
  whyBusy: ['Something long ran in the thread that serves this page, or the machine is busy.',
            '服务本页的线程在做耗时的工作，或者机器繁忙。'],
  gone: ['The server does not answer. It was stopped, or is stopping and takes no new clients. Trying again…',
         '服务器没有应答：它已停止，或正在停止而不再接受新客户。正在重试……'],
  stopping: ['The server is stopping: it waits for the connections below, and takes no new ones.',
             '服务器正在停止：等待下面的连接结束，不再接受新连接。'],
  stoppingWithin: ['The server is stopping: it waits for the connections below, {time} at most, and takes no new ones.',
                   '服务器正在停止：等待下面的连接结束，最多 {time}，不再接受新连接。'],

  libraryTitle: ['The library', '文件库'],
  path: ['Path', '路径'],
  root: ['files', '文件'],
  search: ['Search', '搜索'],
  upload: ['Upload files', '上传文件'],
  size: ['Size', '大小'],
  changed: ['Changed', '修改时间'],
  dropHint: ['Files can also be dropped here. The same files are served by file, tftp and plain http.',
             '也可以把文件拖放到这里。file、tftp 和普通 http 提供的是同样的文件。'],
  readOnly: ['The server takes no uploads (--read_only).', '服务器不接受上传（--read_only）。'],
  empty: ['This directory is empty.', '此目录为空。'],
  nothingFound: ['Nothing here has “{text}” in its name.', '没有名称包含“{text}”的文件。'],
  shown: ['{n} entries', '{n} 项'],
  shownOf: ['{n} of {all} entries', '{all} 项中的 {n} 项'],
  hasIndex: ['This directory has an index page, which is shown instead of a list:', '此目录有自己的首页，不显示列表：'],
  openIndex: ['open it', '打开'],
  cannotList: ['The directory cannot be listed: {why}', '无法列出目录：{why}'],
  loading: ['Loading…', '正在加载……'],
  queuedUpload: ['waits for its turn', '等待上传'],
  uploading: ['{percent} of {size}', '{size} 的 {percent}'],
  storing: ['is stored…', '正在保存……'],
  stored: ['stored', '已保存'],
  replaced: ['replaced the file of this name', '已替换同名文件'],
  cancel: ['Cancel', '取消'],
  cancelled: ['cancelled; nothing was stored', '已取消，未保存任何内容'],
  remove: ['Dismiss', '移除'],
  retry: ['Try again', '重试'],
  replace: ['Replace it', '替换'],
  exists: ['A file of this name is there already.', '已有同名文件。'],
  tooLarge: ['Too large: the server takes files up to {most}.', '文件过大：服务器最多接受 {most}。'],
  tooLargeUnknown: ['Too large for this server.', '文件过大，服务器不接受。'],
  diskFull: ['The disk of the server is full. Nothing was stored.', '服务器磁盘已满，未保存任何内容。'],
  refused: ['Refused: {why}', '被拒绝：{why}'],
  brokenOff: ['The connection was broken off. Nothing was stored.', '连接中断，未保存任何内容。'],
  noFolders: ['“{name}” is a folder or cannot be read: choose files.', '“{name}”是文件夹或无法读取：请选择文件。'],

  chatTitle: ['The chat room', '聊天室'],
  chatWays: ['The same people as by TCP ({tcp}) and UDP ({udp}).', '与通过 TCP（{tcp}）和 UDP（{udp}）加入的是同一批人。'],
  chatOnly: ['The same people as by the chat service, over TCP and UDP.', '与通过 TCP 和 UDP 使用聊天服务的是同一批人。'],
  yourName: ['Your name', '你的名字'],
  join: ['Join', '加入'],
  leave: ['Leave', '离开'],
  send: ['Send', '发送'],
  message: ['Message', '消息'],
  messages: ['Messages', '消息'],
  connecting: ['Connecting…', '正在连接……'],
  reconnecting: ['The connection was lost. Trying again in {time}…', '连接中断，{time} 后重试……'],
  joined: ['You are in the room as {name}.', '你已以 {name} 的名字加入。'],
  left: ['You have left.', '你已离开。'],
  hasJoined: ['{name} has joined', '{name} 进入聊天室'],
  hasLeft: ['{name} has left', '{name} 退出聊天室'],
  nameTaken: ['Somebody has this name.', '这个名字已被使用。'],
  nameBad: ['This name is not accepted: {why}', '不接受这个名字：{why}'],
  toYou: ['{name}, to you alone', '{name}（仅对你）'],
  toThem: ['to {name} alone', '仅对 {name}'],
  putOut: ['You were put out of the room: {why}', '你已被请出聊天室：{why}'],
  notSaid: ['Not said: {why}', '未发送：{why}'],
  longLine: ['Too long: a message has at most 1024 bytes.', '太长：一条消息最多 1024 字节。'],
  chatTakesAll: ['With this model your place in the room takes the whole server, or one of its workers, until you leave.',
                 '在这个模型下，你在聊天室期间会占用整个服务器或其中一个工作者，直到离开。'],

  compareTitle: ['Which model is better?', '哪个模型更好？'],
  compareLead: ['It depends on the load. Measure it on this machine:', '取决于负载。请在这台机器上测量：'],
  compareHow: ['It takes two minutes, starts servers of its own, and ends with a page that says which model to take, and why. Put that page into the library (for example as report.html), and it is listed here.',
               '大约两分钟：它会启动自己的服务器，最后给出一个页面，说明该选哪个模型及其理由。把那个页面放进文件库（例如命名为 report.html），这里就会列出。'],
  adviseHow: ['asks the same data what you need: the most clients, the shortest tail, the least memory.',
              '按你的需要查询同样的数据：最多的客户、最短的尾延迟、最少的内存。'],
  reportOf: ['{name}, of {date}', '{name}，{date}'],
  noReport: ['The library holds no report yet.', '文件库中还没有报告。'],

  model_loop: ['One process serves one client after the other, each to the end. All the others wait in the kernel’s queue.',
               '一个进程依次服务客户，每个都服务到底。其余的在内核队列中等待。'],
  model_fork: ['A process for each client, forked when it connects, gone when it leaves.', '每个客户一个进程：连接时派生，离开时结束。'],
  model_exec: ['A program for each client, started with the connection as its standard input and output, as inetd does.',
    '每个客户一个新启动的程序，以连接作为其标准输入输出，如同 inetd。'],
  model_multiprocess: ['A Process object for each client: forked, spawned afresh, or by a fork server.',
                       '每个客户一个 Process 对象：fork、spawn 或由 fork server 创建。'],
  model_thread: ['A thread for each client. The kernel’s scheduler is the event loop.', '每个客户一个线程。内核调度器就是事件循环。'],
  model_prefork: ['A pool of processes; each serves one client at a time.', '进程池；每个进程一次服务一个客户。'],
  model_threadpool: ['A pool of threads; each serves one client at a time.', '线程池；每个线程一次服务一个客户。'],
  model_nonblock: ['One thread asks all sockets in turn, again and again.', '一个线程反复轮询所有套接字。'],
  model_select: ['One thread serves all clients; select(2) tells which socket is ready.', '一个线程服务所有客户；select(2) 告知哪个套接字就绪。'],
  model_poll: ['One thread serves all clients; poll(2) tells which socket is ready.', '一个线程服务所有客户；poll(2) 告知哪个套接字就绪。'],
  model_epoll: ['One thread serves all clients; epoll(7) tells which sockets are ready.', '一个线程服务所有客户；epoll(7) 告知哪些套接字就绪。'],
  model_sigio: ['One thread serves all clients; each socket sends it a signal when something has happened.', '一个线程服务所有客户；套接字有事件时向它发送信号。'],
  model_leader: ['Threads take turns at one set of clients: one waits, hands the wait on, and serves what it has found.', '多个线程轮流等待同一组客户：一个等待，事件到来时把等待交给下一个，自己去服务。'],
  model_halfsync: ['One thread reads and writes for all clients; others run the sessions, by way of a queue.', '一个线程为所有客户读写；会话经由队列交给其他线程执行。'],
  model_staged: ['A client goes from stage to stage (read, work, write), each with a queue and threads of its own.', '客户依次经过各阶段（读取、处理、写出），每个阶段有自己的队列和线程。'],
  model_hybrid: ['Several processes of several threads; each thread serves one client at a time, or the sessions of a loop.', '多个进程，每个进程有多个线程；每个线程一次服务一个客户，或者执行一个循环的会话。'],
  model_libevent: ['One thread serves all clients; the libevent library waits for the sockets.', '一个线程服务所有客户；由 libevent 库等待套接字。'],
  model_coroutine: ['A coroutine for each client, all on one thread.', '每个客户一个协程，全部在同一个线程上。'],
  model_fiber: ['A stack for each client, all on one thread, which switches between them.', '每个客户一个栈，全部在同一个线程上，由它在栈之间切换。'],
  model_stealing: ['A coroutine for each client, on threads that each have a queue; one with nothing left takes half of another queue.', '每个客户一个协程；每个线程有自己的就绪队列，空闲的线程从别的队列取走一半。'],
  model_uring: ['One thread; the kernel does the reading and writing, by way of io_uring(7).', '一个线程；读写由内核通过 io_uring(7) 完成。'],
  sharing_one: ['One thread accepts all clients.', '由一个线程接受所有客户。'],
  sharing_shared: ['All workers wait at the same listener; the kernel wakes one for each client.', '所有工作者在同一个监听套接字上等待；内核为每个客户唤醒一个。'],
  sharing_lock: ['The workers wait at the listener one at a time: a lock decides whose turn it is.', '工作者轮流在监听套接字上等待：由锁决定轮到谁。'],
  sharing_pass: ['One thread accepts, and passes each client on to a worker.', '由一个线程接受，再把客户转交给工作者。'],
  sharing_reuseport: ['Each worker has a listener of its own for the same port (SO_REUSEPORT); the kernel deals the clients out.',
                      '每个工作者在同一端口上有自己的监听套接字（SO_REUSEPORT）；由内核分配客户。'],
};

const LANGUAGES = ['en', 'zh'];
const KEY = 'polyserve-language';

// Storage may be forbidden (a private window): then the choice lasts as long as the page.
function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function preferred() {
  const wanted = [stored(), ...(navigator.languages ?? [navigator.language])];
  for (const one of wanted) {
    const known = LANGUAGES.find((language) => (one ?? '').toLowerCase().startsWith(language));
    if (known !== undefined) return known;
  }
  return 'en';
}

let current = preferred();
const listeners = [];

export const language = () => current;

export const hasText = (key) => key in TEXTS;

// The text, with {name} replaced by values.name.
export function t(key, values = {}) {
  const text = (TEXTS[key] ?? [key, key])[LANGUAGES.indexOf(current)];
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export function onLanguage(listener) {
  listeners.push(listener);
}

export function applyTexts() {
  document.documentElement.lang = current === 'zh' ? 'zh-CN' : 'en';
  for (const element of document.querySelectorAll('[data-t]')) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll('[data-t-label]')) {
    element.setAttribute('aria-label', t(element.dataset.tLabel));
  }
  for (const element of document.querySelectorAll('[data-t-placeholder]')) {
    element.setAttribute('placeholder', t(element.dataset.tPlaceholder));
  }
}

export function setLanguage(language) {
  if (!LANGUAGES.includes(language)) return;
  current = language;
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // Then it is forgotten with the page.
  }
  applyTexts();
  for (const listener of listeners) listener();
}
