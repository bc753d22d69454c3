# 仅在应用程序中
protected-limit-app = 坦白的一点局限：应用只让服务器介绍设备，不把内容交给它。但服务器的运营者看得到两台设备何时相遇。
app-settings = 设置
app-server = 服务器
app-server-hint = 它让设备互相找到对方。请填写您自己的或您信任的服务器地址。
app-server-ask = 使用哪个服务器？
app-server-bad = 这不是服务器地址。应类似 drop.example 或 https://drop.example。
app-server-use = 使用
app-downloads = 接收的内容保存到
app-downloads-none = 接收时会请您选择文件夹。
app-downloads-change = 更改…
app-autostart = 随系统启动
app-autostart-hint = 它在托盘中等待，直到有人与您分享。
app-items-folder = 接收的内容直接保存到 { $folder }。
app-reveal = 在文件夹中显示
app-show = 打开 PrivyDrop
app-quit = 退出
app-idle = 没有正在传送的内容
app-moving = 正在传送
app-arrived = 已送达并校验
app-follow = 有链接请求加入 { $server } 上的房间 { $room }。您将离开当前房间。
app-update = PrivyDrop 新版本 { $version } 已发布。现在安装吗？
app-install = 安装

# What happens to programs only: a page has one lane, and may read what is pasted.
notice-files-not-pasted = 无法通过粘贴分享
    .reason = 窗口不知道粘贴的文件在哪里，复制的图片也还不是文件。
    .next = 请把文件拖放到窗口上，或用按钮选择。
